// SPDX-License-Identifier: Apache-2.0
// Live migration. No event marks the moment at which the guest moves; the source's own end comes seconds after the
// destination's and still carries the old host. A running session goes on until QEMU itself closes it.
import { effectOfState, MOVED, NOTHING, type Effect } from '../effect.js';
import type { InstanceEvent } from '../instance-event.js';

/** The destination gets ready. */
export function onMigrationPre(event: InstanceEvent): Effect {
  const effect = effectOfState(event);
  return effect.kind === 'recorded' ? { ...effect, change: 'moving' } : effect;
}

/** The source cleans up; all of the instance's console tokens in Nova are gone after it. Its state is an old one. */
export function onMigrationPost(event: InstanceEvent): Effect {
  if (event.phase !== 'end') return NOTHING;
  return { kind: 'noticed', change: 'moved', addressVoid: true };
}

/** At its end the instance belongs to the destination. */
export function onMigrationPostDest(event: InstanceEvent): Effect {
  return event.phase === 'end' ? MOVED : NOTHING;
}

/** It stays where it was. */
export function onMigrationRollback(event: InstanceEvent): Effect {
  const effect = effectOfState(event);
  return effect.kind === 'recorded' ? { ...effect, change: 'stayed' } : effect;
}

/** The destination cleans up: told by the host that the instance is not on. */
export function onMigrationRollbackDest(): Effect {
  return { kind: 'noticed', change: 'stayed', addressVoid: false };
}

/** An administrator's request; what comes of it is told by the others. */
export function onMigrationRequest(): Effect {
  return NOTHING;
}
