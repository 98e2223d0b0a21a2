// SPDX-License-Identifier: Apache-2.0
// The capabilities that clients are shown. The link reply goes out before the token, and so before the backend, is
// known: these are what every spice-server since 0.12 answers (recorded from 0.15.1).
import { capWords, hasCap } from '../spice/capabilities.js';
import {
  CHANNEL,
  COMMON_CAP,
  DISPLAY_CAP,
  INPUTS_CAP,
  MAIN_CAP,
  PLAYBACK_CAP,
  RECORD_CAP,
  SPICEVMC_CAP,
} from '../spice/constants.js';

/** AUTH_SELECTION, AUTH_SPICE, MINI_HEADER; never SASL, which cannot be relayed. */
export const COMMON_CAPS: readonly number[] = capWords(
  COMMON_CAP.PROTOCOL_AUTH_SELECTION,
  COMMON_CAP.AUTH_SPICE,
  COMMON_CAP.MINI_HEADER,
);

const SPICEVMC = capWords(SPICEVMC_CAP.DATA_COMPRESS_LZ4);

const CHANNEL_CAPS: Readonly<Record<number, readonly number[]>> = {
  [CHANNEL.main]: capWords(
    MAIN_CAP.SEMI_SEAMLESS_MIGRATE,
    MAIN_CAP.NAME_AND_UUID,
    MAIN_CAP.AGENT_CONNECTED_TOKENS,
    MAIN_CAP.SEAMLESS_MIGRATE,
  ),
  [CHANNEL.display]: capWords(
    DISPLAY_CAP.MONITORS_CONFIG,
    DISPLAY_CAP.STREAM_REPORT,
    DISPLAY_CAP.PREF_COMPRESSION,
    DISPLAY_CAP.PREF_VIDEO_CODEC_TYPE,
  ),
  [CHANNEL.inputs]: capWords(INPUTS_CAP.KEY_SCANCODE),
  [CHANNEL.playback]: capWords(PLAYBACK_CAP.VOLUME, PLAYBACK_CAP.OPUS),
  [CHANNEL.record]: capWords(RECORD_CAP.VOLUME, RECORD_CAP.OPUS),
  [CHANNEL.usbredir]: SPICEVMC,
  [CHANNEL.port]: SPICEVMC,
  [CHANNEL.webdav]: SPICEVMC,
};

/** The channel capability words that a client of this channel type is shown; none for those without any. */
export function channelCaps(channelType: number): readonly number[] {
  return CHANNEL_CAPS[channelType] ?? [];
}

/** Capabilities that a client was shown and its backend turned out not to have, as bit numbers. */
export function missingCaps(channelType: number, backendCaps: readonly number[]): number[] {
  const shown = channelCaps(channelType);
  if (shown.every((word, index) => (word & ~(backendCaps[index] ?? 0)) === 0)) return [];
  const bits = shown.flatMap((_word, index) =>
    Array.from({ length: 32 }, (_unused, bit) => index * 32 + bit),
  );
  return bits.filter((bit) => hasCap(shown, bit) && !hasCap(backendCaps, bit));
}
