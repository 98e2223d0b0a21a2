// SPDX-License-Identifier: Apache-2.0
// An event of an instance, from either of Nova's two formats.
import type { InstanceState } from './status.js';

/** Events that have an effect on consoles, by the name of the versioned format without `instance.`. */
export const INSTANCE_EVENTS = [
  'create',
  'delete',
  'soft_delete',
  'restore',
  'shutdown',
  'power_off',
  'power_on',
  'reboot',
  'pause',
  'unpause',
  'suspend',
  'resume',
  'rescue',
  'unrescue',
  'shelve',
  'shelve_offload',
  'unshelve',
  'resize_prep',
  'resize',
  'resize_finish',
  'resize_confirm',
  'resize_revert',
  'rebuild',
  'rebuild_scheduled',
  'evacuate',
  'lock',
  'unlock',
  'live_migration_pre',
  'live_migration_post',
  'live_migration_post_dest',
  'live_migration_rollback',
  'live_migration_rollback_dest',
  'live_migration_abort',
  'live_migration_force_complete',
  'update',
] as const;

/** One of them. */
export type EventName = (typeof INSTANCE_EVENTS)[number];

/** Where in its course the event is; `none`: it has no course. */
export type Phase = 'start' | 'end' | 'error' | 'none';

/** Nova's two formats. */
export type NotificationFormat = 'versioned' | 'unversioned';

/** One event of one instance. */
export interface InstanceEvent extends InstanceState {
  readonly event: EventName;
  readonly phase: Phase;
  readonly format: NotificationFormat;
  /** When it was sent, epoch seconds by the sender's clock. */
  readonly time: number;
  readonly uuid: string;
  /** null where the message does not say. */
  readonly projectId: string | null;
  readonly userId: string | null;
  readonly name: string | null;
  readonly host: string | null;
  /** `running`, `shutdown`, ...; null in the unversioned format. */
  readonly powerState: string | null;
  /** null in the unversioned format, which does not say. */
  readonly locked: boolean | null;
  /** What its owner has written on the instance, nobody having looked at it; null: the message does not say. */
  readonly metadata: Readonly<Record<string, unknown>> | null;
}
