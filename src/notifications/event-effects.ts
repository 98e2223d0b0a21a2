// SPDX-License-Identifier: Apache-2.0
// The effect of each event on the consoles of its instance: one table by event and phase. A phase that a row does not name is
// decided by the state in the message. Pure: instance-event-handler.ts applies the effects.
import { ENDED, MOVED, NOTHING, RECORDED, RELOCATED, type Effect } from './effect.js';
import type { EventName, InstanceEvent, Phase } from './instance-event.js';

type Meaning = Effect | ((event: InstanceEvent) => Effect);

/** The meaning of an event in each phase; `otherwise`: in those that are not named. */
type Row = Readonly<Partial<Record<Phase | 'otherwise', Meaning>>>;

const HARD_REBOOTS = ['rebooting_hard', 'reboot_pending_hard', 'reboot_started_hard'];

/** The instance goes, and may come back. */
const REMOVED: Effect = { kind: 'removed', final: false };

/** The guest is on its way to another host. */
const MOVING: Effect = { kind: 'recorded', ended: false, addressStale: false, change: 'moving' };

/** The host that reports it does not have the instance, which stays on the other one. */
const STAYED_ELSEWHERE: Effect = { kind: 'noticed', change: 'stayed', addressStale: false };

/** All of the instance's console tokens in Nova are gone; the state and the host of the message are old ones. */
const LEFT: Effect = { kind: 'noticed', change: 'moved', addressStale: true };

/** The guest is replaced by another one of the same uuid: old sessions end as it begins, those of the new guest stay. */
const REPLACED: Row = { start: ENDED, end: RELOCATED };

/** A guest that did not run gets a new hypervisor process. */
const STARTED: Row = { end: RELOCATED, otherwise: notYetRunning };

const ROWS: Readonly<Record<EventName, Row>> = {
  // A console is recorded when a user asks for it: before that there is nothing to update.
  create: { end: RELOCATED },
  // Sessions end when it begins: nobody should work on an instance that is being deleted.
  delete: { end: { kind: 'removed', final: true }, error: byState, otherwise: REMOVED },
  soft_delete: { error: byState, otherwise: REMOVED },
  restore: { end: RELOCATED, otherwise: NOTHING },
  shutdown: { otherwise: partOfDeletion },

  // The guest may take a minute to shut down, and its user may watch: sessions end when it is off.
  power_off: { end: ENDED },
  power_on: STARTED,
  reboot: { start: rebootStart, end: RELOCATED },
  // The hypervisor process stays, and so does the picture.
  pause: {},
  unpause: {},
  // The guest is saved to disk and its hypervisor process ends.
  suspend: { end: ENDED },
  resume: STARTED,

  rescue: REPLACED,
  unrescue: REPLACED,
  rebuild: REPLACED,
  // A rebuild comes. Its guest is stopped first.
  rebuild_scheduled: { otherwise: ENDED },
  // The host is lost, and the guest with it; a rebuild on another host follows, which brings the address.
  evacuate: { error: byState, otherwise: ENDED },

  // The guest shuts down first, and its user may watch.
  shelve: { end: ENDED },
  shelve_offload: { error: byState, otherwise: ENDED },
  // It runs again, on a host of the scheduler's choice.
  unshelve: { end: MOVED, otherwise: notYetRunning },

  // A cold migration sends the same. A host is chosen; the guest runs on, is shut down, and then its disks go across.
  resize_prep: {},
  resize: { end: ENDED },
  resize_finish: { end: MOVED },
  // What was left on the old host goes; the guest runs on.
  resize_confirm: {},
  // The guest of the new host ends; at the end the old one runs again.
  resize_revert: { start: ENDED, end: MOVED },

  // A lock keeps users from changing the instance, not from looking at it.
  lock: {},
  unlock: {},

  // No event marks the moment at which the guest moves; the source's own end comes seconds after the destination's and
  // still carries the old host. A running session goes on until QEMU itself closes it.
  live_migration_pre: { otherwise: (event) => byStateAnd(event, 'moving') },
  live_migration_post: { end: LEFT, otherwise: NOTHING },
  live_migration_post_dest: { end: MOVED, otherwise: NOTHING },
  live_migration_rollback: { otherwise: (event) => byStateAnd(event, 'stayed') },
  live_migration_rollback_dest: { otherwise: STAYED_ELSEWHERE },
  // An administrator's requests; their results are reported by the other events.
  live_migration_abort: { otherwise: NOTHING },
  live_migration_force_complete: { otherwise: NOTHING },

  // Sent at every change of state where Nova is configured so; makes up for lost events.
  update: {},
};

/** The effect of an event. */
export function effectOf(event: InstanceEvent): Effect {
  const row = ROWS[event.event];
  const meaning = row[event.phase] ?? row.otherwise ?? byState;
  return typeof meaning === 'function' ? meaning(event) : meaning;
}

/** The effect of the state in the message alone: gone, not running, or only recorded. */
function byState({ state, taskState, fault }: InstanceEvent): Effect {
  switch (fault) {
    case 'gone':
      return { kind: 'removed', final: state === 'deleted' };
    case 'stopped':
      return ENDED;
    case 'moving':
      return taskState === 'migrating' ? MOVING : RECORDED;
    case 'building':
    case null:
      return RECORDED;
  }
}

function byStateAnd(event: InstanceEvent, change: 'moving' | 'stayed'): Effect {
  const effect = byState(event);
  return effect.kind === 'recorded' ? { ...effect, change } : effect;
}

// Still stopped while it begins: the sessions are long gone, and a new one may be on its way when the message is late.
function notYetRunning(event: InstanceEvent): Effect {
  const effect = byState(event);
  return effect.kind === 'recorded' && effect.ended ? RECORDED : effect;
}

// Only the task state of its start shows a hard one, which replaces the hypervisor process; a soft one may, too.
function rebootStart(event: InstanceEvent): Effect {
  return HARD_REBOOTS.includes(event.taskState ?? '') ? ENDED : byState(event);
}

// The task state shows it. A shutdown is also part of a build that is tried on another host, and an instance that is being
// built has no session.
function partOfDeletion(event: InstanceEvent): Effect {
  const effect = byState(event);
  return effect.kind === 'removed' ? effect : RECORDED;
}
