// SPDX-License-Identifier: Apache-2.0
// The settings of one session: those of the node, but for what its console or source has of its own.
import type { OwnSettings } from '../../objects/own-settings.js';
import type { SessionSettings } from '../ipc.js';
import { isChannelName } from '../spice/constants.js';

/** What holds for a session. @param own what its console, or else its source, says for itself */
export function settingsOf(session: SessionSettings, { pacingMode, firewall }: OwnSettings): SessionSettings {
  if (pacingMode === undefined && firewall === undefined) return session;
  const { mode, permittedChannels, rates } = firewall ?? {};
  return {
    ...session,
    firewall: {
      mode: mode ?? session.firewall.mode,
      permittedChannels: permittedChannels?.filter(isChannelName) ?? session.firewall.permittedChannels,
      rates: rates ?? session.firewall.rates,
    },
    pacing: pacingMode === undefined ? session.pacing : { ...session.pacing, mode: pacingMode },
  };
}
