// SPDX-License-Identifier: Apache-2.0
// update: sent at every change of state where Nova is told to; makes good for events that were lost.
import { effectOfState, type Effect } from '../effect.js';
import type { InstanceEvent } from '../instance-event.js';

/** What the state says. */
export function onUpdate(event: InstanceEvent): Effect {
  return effectOfState(event);
}
