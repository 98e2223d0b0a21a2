// SPDX-License-Identifier: Apache-2.0
// Which handler takes which event.
import type { Effect } from '../effect.js';
import type { EventName, InstanceEvent } from '../instance-event.js';
import { onCreate, onDelete, onRestore, onShutdown, onSoftDelete } from './deletion.js';
import { onLock } from './lock.js';
import {
  onMigrationPost,
  onMigrationPostDest,
  onMigrationPre,
  onMigrationRequest,
  onMigrationRollback,
  onMigrationRollbackDest,
} from './migration.js';
import { onPause, onPowerOff, onPowerOn, onReboot, onResume, onSuspend, onUnpause } from './power.js';
import { onEvacuate, onRebuildScheduled, onReplacement } from './rescue.js';
import { onResize, onResizeConfirm, onResizeFinish, onResizePrep, onResizeRevert } from './resizing.js';
import { onShelve, onShelveOffload, onUnshelve } from './shelving.js';
import { onUpdate } from './update.js';

type Handler = (event: InstanceEvent) => Effect;

const HANDLERS: Readonly<Record<EventName, Handler>> = {
  create: onCreate,
  delete: onDelete,
  soft_delete: onSoftDelete,
  restore: onRestore,
  shutdown: onShutdown,
  power_off: onPowerOff,
  power_on: onPowerOn,
  reboot: onReboot,
  pause: onPause,
  unpause: onUnpause,
  suspend: onSuspend,
  resume: onResume,
  rescue: onReplacement,
  unrescue: onReplacement,
  shelve: onShelve,
  shelve_offload: onShelveOffload,
  unshelve: onUnshelve,
  resize_prep: onResizePrep,
  resize: onResize,
  resize_finish: onResizeFinish,
  resize_confirm: onResizeConfirm,
  resize_revert: onResizeRevert,
  rebuild: onReplacement,
  rebuild_scheduled: onRebuildScheduled,
  evacuate: onEvacuate,
  lock: onLock,
  unlock: onLock,
  live_migration_pre: onMigrationPre,
  live_migration_post: onMigrationPost,
  live_migration_post_dest: onMigrationPostDest,
  live_migration_rollback: onMigrationRollback,
  live_migration_rollback_dest: onMigrationRollbackDest,
  live_migration_abort: onMigrationRequest,
  live_migration_force_complete: onMigrationRequest,
  update: onUpdate,
};

/** What an event means. */
export function effectOf(event: InstanceEvent): Effect {
  return HANDLERS[event.event](event);
}
