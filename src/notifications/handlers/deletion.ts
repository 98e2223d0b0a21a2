// SPDX-License-Identifier: Apache-2.0
// create, delete, soft_delete, restore, shutdown.
import { effectOfState, NOTHING, RECORDED, RELOCATED, type Effect } from '../effect.js';
import type { InstanceEvent } from '../instance-event.js';

/** A console comes in when somebody asks for it: until then there is nothing to keep. */
export function onCreate(event: InstanceEvent): Effect {
  return event.phase === 'end' ? RELOCATED : effectOfState(event);
}

/** Sessions end as soon as it begins: nobody should work on a machine that is being taken away. */
export function onDelete(event: InstanceEvent): Effect {
  if (event.phase === 'error') return effectOfState(event);
  return { kind: 'removed', final: event.phase === 'end' };
}

/** As a deletion, but it can be taken back. */
export function onSoftDelete(event: InstanceEvent): Effect {
  return event.phase === 'error' ? effectOfState(event) : { kind: 'removed', final: false };
}

/** The instance is back; its console comes in again when somebody asks for it. */
export function onRestore(event: InstanceEvent): Effect {
  return event.phase === 'end' ? RELOCATED : NOTHING;
}

/**
 * Part of a deletion, which its task state tells; also of a build that is tried on another host, and a machine that is
 * being built has no session.
 */
export function onShutdown(event: InstanceEvent): Effect {
  const effect = effectOfState(event);
  return effect.kind === 'removed' ? effect : RECORDED;
}
