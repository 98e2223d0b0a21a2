// SPDX-License-Identifier: Apache-2.0
// Which explanation a user gets whose desktop has ended, or did not come up.
import type { CloseReason, LocationFault } from '../close-reason.js';
import type { Explained } from './explanation.js';

/** Reasons that are not here are about a connection that broke. */
const OF_REASON: Readonly<Partial<Record<CloseReason, Explained>>> = {
  'backend closed': 'machine_ended',
  'backend connection lost': 'unreachable',
  'backend stopped reading': 'unreachable',
  'backend failed': 'unreachable',
  idle: 'idle',
  'wrong guest': 'wrong_guest',
  'guest not identified': 'unreachable',
  'terminated by request': 'terminated',
  replaced: 'replaced',
  'console in use': 'console_in_use',
  'other protocol': 'other_viewer',
  'channel forbidden': 'forbidden',
  'migration not followed': 'moving',
  'migration refused': 'forbidden',
  'node lost': 'interrupted',
  'node restarted': 'interrupted',
  'proxy shut down': 'interrupted',
  'proxy worker died': 'interrupted',
  'control plane failed': 'unavailable',
  'ticket not minted': 'unavailable',
  'recording failed': 'unavailable',
};

const OF_LOCATION: Readonly<Record<LocationFault, Explained>> = {
  gone: 'gone',
  stopped: 'stopped',
  moving: 'moving',
  building: 'building',
  stale: 'unavailable',
};

/** The first HTTP status that says that it is not the asker's fault. */
const SERVER_FAULT = 500;

/** What to explain to a user whose main channel ended for this reason, a CloseReason or another word of the records. */
export function explainedEnd(reason: string): Explained {
  const [, fault] = /^instance (\w+)$/.exec(reason) ?? [];
  if (fault !== undefined && Object.hasOwn(OF_LOCATION, fault)) return OF_LOCATION[fault as LocationFault];
  const [, status] = /^connect proxy refused \((\d+)\)$/.exec(reason) ?? [];
  if (status !== undefined) return Number(status) < SERVER_FAULT ? 'refused' : 'unreachable';
  if (reason.startsWith('channel forbidden: ')) return 'forbidden';
  return OF_REASON[reason as CloseReason] ?? 'lost';
}
