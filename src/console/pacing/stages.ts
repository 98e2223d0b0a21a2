// SPDX-License-Identifier: Apache-2.0
// Which stage paces, or watches for the pacer, on which channel; none where pacing is off, and none on channels with full
// headers, which are relayed as they are.
import type { SessionSettings } from '../ipc.js';
import type { Stage } from '../relay/stage.js';
import { hasCap } from '../spice/capabilities.js';
import { CHANNEL, DISPLAY_CAP } from '../spice/constants.js';
import { isSlow } from './congestion-watch.js';
import type { DisplayPacingParts } from './display-parts.js';
import { DisplayPacing } from './display-pacing.js';
import { InputWatch } from './input-watch.js';
import { NetworkTest } from './network-test.js';
import type { SessionPacer } from './session-pacer.js';
import { SoundWatch } from './sound-watch.js';

/** What the choice goes by. */
export interface PacingFacts {
  readonly channelType: number;
  readonly miniHeader: boolean;
  readonly settings: SessionSettings;
  /** Milliseconds that the client took for its ticket. */
  readonly rttMs: number;
  readonly pacer: SessionPacer;
  readonly timers: DisplayPacingParts['timers'];
  /** The user has done something. */
  readonly userActed: () => void;
  /** Capability words that the backend has shown for the channel. */
  readonly backendCaps: readonly number[];
  /** Bytes of the largest body of a message. */
  readonly maxMessageSize: number;
}

/** The stage of a channel; null: it needs none. */
export function pacingStage(facts: PacingFacts): Stage | null {
  const { channelType, settings, pacer, timers, backendCaps, maxMessageSize } = facts;
  if (!facts.miniHeader || settings.pacing.mode === 'off') return null;
  pacer.linked(facts.rttMs);
  switch (channelType) {
    case CHANNEL.main:
      return testsNetwork(facts) ? null : new NetworkTest(maxMessageSize);
    case CHANNEL.display: {
      const takesCompression = hasCap(backendCaps, DISPLAY_CAP.PREF_COMPRESSION);
      return new DisplayPacing({ pacer, settings, timers, takesCompression });
    }
    case CHANNEL.inputs:
      return new InputWatch(facts.userActed);
    case CHANNEL.playback:
      return new SoundWatch((bytes) => pacer.alongside(bytes));
    default:
      return null;
  }
}

/** Whether the server tests the network itself: always where nothing will be paced, as far as can be known. */
function testsNetwork({ settings, rttMs }: PacingFacts): boolean {
  const { mode, allowJpeg } = settings.pacing;
  return allowJpeg || (mode === 'auto' && !isSlow(rttMs));
}
