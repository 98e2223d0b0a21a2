// SPDX-License-Identifier: Apache-2.0
// shelve, shelve_offload, unshelve.
import { effectOfState, ENDED, MOVED, RECORDED, type Effect } from '../effect.js';
import type { InstanceEvent } from '../instance-event.js';

/** The guest shuts down first, and its user may watch. */
export function onShelve(event: InstanceEvent): Effect {
  return event.phase === 'end' ? ENDED : effectOfState(event);
}

/** No host any more. */
export function onShelveOffload(event: InstanceEvent): Effect {
  return event.phase === 'error' ? effectOfState(event) : ENDED;
}

/** It runs again, on a host of the scheduler's choice. */
export function onUnshelve(event: InstanceEvent): Effect {
  if (event.phase === 'end') return MOVED;
  const effect = effectOfState(event);
  return effect.kind === 'recorded' && effect.ended ? RECORDED : effect;
}
