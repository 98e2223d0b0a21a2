// SPDX-License-Identifier: Apache-2.0
// What a page is told when its desktop does not open or has ended: which explanation, and when it was.
import type { CloseReason, LocationFault } from '../close-reason.js';
import type { DenialReason } from '../objects/console-session-state.js';
import type { SessionOutcome } from '../objects/session-outcome.js';
import { sentencesAbout, type Explained } from '../service/explanation.js';

/** The answer to a page. */
export interface Ended {
  readonly about: Explained;
  readonly title: string;
  readonly advice: string;
  /** The recorded reason; null: none is known. */
  readonly reason: string | null;
  /** Epoch seconds; null: it never began. */
  readonly ended_at: number | null;
}

const OF_DENIAL: Readonly<Record<DenialReason, Explained>> = {
  token_unknown: 'unknown',
  token_expired: 'unknown',
  token_terminated: 'terminated',
  token_in_use: 'in_use',
  main_required: 'lost',
  bad_connection_id: 'lost',
  console_gone: 'gone',
  source_gone: 'gone',
};

/** Reasons that are not here are about a connection that broke. */
const OF_REASON: Readonly<Partial<Record<CloseReason, Explained>>> = {
  'backend closed': 'machine_ended',
  'backend connection lost': 'unreachable',
  'backend stopped reading': 'unreachable',
  'backend failed': 'unreachable',
  idle: 'idle',
  'wrong guest': 'unreachable',
  'guest not identified': 'unreachable',
  'terminated by request': 'terminated',
  'node lost': 'interrupted',
  'node restarted': 'interrupted',
  'proxy shut down': 'interrupted',
  'proxy worker died': 'interrupted',
  'control plane failed': 'unavailable',
};

const OF_LOCATION: Readonly<Record<LocationFault, Explained>> = {
  gone: 'gone',
  stopped: 'stopped',
  moving: 'moving',
  building: 'building',
  stale: 'unavailable',
};

/** What to tell the page about the outcome of its desktop. */
export function endedAs({ denial, ended }: Pick<SessionOutcome, 'denial' | 'ended'>): Ended {
  const about =
    denial !== null ? OF_DENIAL[denial] : ended === null ? 'not_opened' : ofReason(ended.reason ?? '');
  return { about, ...sentencesAbout(about), reason: ended?.reason ?? null, ended_at: ended?.at ?? null };
}

/** What to tell a page when nothing can be found out. */
export function endedUnknown(about: Explained): Ended {
  return { about, ...sentencesAbout(about), reason: null, ended_at: null };
}

function ofReason(reason: string): Explained {
  const [, fault] = /^instance (\w+)$/.exec(reason) ?? [];
  if (fault !== undefined && Object.hasOwn(OF_LOCATION, fault)) return OF_LOCATION[fault as LocationFault];
  return OF_REASON[reason as CloseReason] ?? 'lost';
}
