// SPDX-License-Identifier: Apache-2.0
// resize_prep, resize, resize_finish, resize_confirm, resize_revert; a cold migration sends the same.
import { effectOfState, ENDED, MOVED, type Effect } from '../effect.js';
import type { InstanceEvent } from '../instance-event.js';

/** A host is chosen; the guest runs on. */
export function onResizePrep(event: InstanceEvent): Effect {
  return effectOfState(event);
}

/** The guest is shut down, then its disks go across. */
export function onResize(event: InstanceEvent): Effect {
  return event.phase === 'end' ? ENDED : effectOfState(event);
}

/** It runs on the new host. */
export function onResizeFinish(event: InstanceEvent): Effect {
  return event.phase === 'end' ? MOVED : effectOfState(event);
}

/** What was left on the old host goes; the guest runs on. */
export function onResizeConfirm(event: InstanceEvent): Effect {
  return effectOfState(event);
}

/** The guest of the new host ends; at the end the old one runs again. */
export function onResizeRevert(event: InstanceEvent): Effect {
  if (event.phase === 'start') return ENDED;
  return event.phase === 'end' ? MOVED : effectOfState(event);
}
