// SPDX-License-Identifier: Apache-2.0
// rescue, unrescue, rebuild, rebuild_scheduled, evacuate: the guest is replaced by another one of the same uuid.
import { effectOfState, ENDED, RELOCATED, type Effect } from '../effect.js';
import type { InstanceEvent } from '../instance-event.js';

/** Old sessions end as it begins; at its end a new guest runs, whose sessions stay. */
export function onReplacement(event: InstanceEvent): Effect {
  if (event.phase === 'start') return ENDED;
  return event.phase === 'end' ? RELOCATED : effectOfState(event);
}

/** A rebuild comes. Its guest is stopped first. */
export function onRebuildScheduled(): Effect {
  return ENDED;
}

/** The host is lost, and the guest with it; a rebuild on another host follows, which brings the address. */
export function onEvacuate(event: InstanceEvent): Effect {
  return event.phase === 'error' ? effectOfState(event) : ENDED;
}
