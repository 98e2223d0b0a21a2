// SPDX-License-Identifier: Apache-2.0
// The settings of one session: those of the node, but for what its console or source has of its own.
import type { Conf } from '../../conf/index.js';
import {
  deploymentOf,
  NO_TRUST,
  settledPolicy,
  valuesOf,
  type GuestPolicyTrust,
} from '../../objects/guest-policy-levels.js';
import type { SessionOwnSettings } from '../../objects/own-settings.js';
import type { SessionSettings } from '../ipc.js';
import { isChannelName } from '../spice/constants.js';

/** The settings of the node, and whose word counts beside its own. */
export interface NodeSettings extends SessionSettings {
  /** Absent: nobody's but the operators'. */
  readonly trust?: GuestPolicyTrust;
}

/** Those of a configuration. */
export function nodeSettings({
  firewall,
  pacing,
  guestPolicy,
  migration,
}: Pick<Conf, 'firewall' | 'pacing' | 'guestPolicy' | 'migration'>): NodeSettings {
  const { policy, trust } = deploymentOf(guestPolicy);
  return { firewall, pacing, guestPolicy: policy, migration, trust };
}

/** What holds for a session. @param own what its console, or else its source, says for itself */
export function settingsOf(node: NodeSettings, own: SessionOwnSettings): SessionSettings {
  const { pacingMode, firewall, migrationMode, guestPolicy } = own;
  const { trust = NO_TRUST, ...session } = node;
  const { mode, permittedChannels, rates } = firewall ?? {};
  return {
    ...session,
    firewall: {
      mode: mode ?? session.firewall.mode,
      permittedChannels: permittedChannels?.filter(isChannelName) ?? session.firewall.permittedChannels,
      rates: rates ?? session.firewall.rates,
    },
    pacing: pacingMode === undefined ? session.pacing : { ...session.pacing, mode: pacingMode },
    migration:
      migrationMode === undefined ? session.migration : { ...session.migration, mode: migrationMode },
    guestPolicy: valuesOf(settledPolicy({ policy: session.guestPolicy, trust }, guestPolicy ?? [])),
  };
}
