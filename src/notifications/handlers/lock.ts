// SPDX-License-Identifier: Apache-2.0
// lock, unlock: nothing but the lock changes, and that is recorded of every message that tells it.
import { effectOfState, type Effect } from '../effect.js';
import type { InstanceEvent } from '../instance-event.js';

/** A lock keeps users from changing the instance, not from looking at it. */
export function onLock(event: InstanceEvent): Effect {
  return effectOfState(event);
}
