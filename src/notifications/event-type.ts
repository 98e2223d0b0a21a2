// SPDX-License-Identifier: Apache-2.0
// Parses an event type: format, event, phase. The unversioned names are older than the rules for them.
import { INSTANCE_EVENTS, type EventName, type NotificationFormat, type Phase } from './instance-event.js';

/** A parsed event type. */
export interface EventType {
  readonly format: NotificationFormat;
  /** null: about an instance, and of no effect on consoles. */
  readonly event: EventName | null;
  readonly phase: Phase;
}

const VERSIONED = 'instance.';
const UNVERSIONED = 'compute.instance.';
const PHASE = /\.(start|end|error)$/;
const NAMES: ReadonlySet<string> = new Set(INSTANCE_EVENTS);

/** Unversioned names that are not the versioned ones with another prefix. */
const ODD_NAMES: Readonly<Record<string, EventName>> = {
  'resize.prep': 'resize_prep',
  'resize.confirm': 'resize_confirm',
  'resize.revert': 'resize_revert',
  finish_resize: 'resize_finish',
  'rebuild.scheduled': 'rebuild_scheduled',
  'live_migration.pre': 'live_migration_pre',
  'live_migration._post': 'live_migration_post',
  'live_migration.post.dest': 'live_migration_post_dest',
  'live_migration._rollback': 'live_migration_rollback',
  'live_migration.rollback.dest': 'live_migration_rollback_dest',
  'live.migration.abort': 'live_migration_abort',
  'live.migration.force.complete': 'live_migration_force_complete',
};

/** Reads an event type; null when it is not about an instance. */
export function readEventType(eventType: string): EventType | null {
  const format = formatOf(eventType);
  if (format === null) return null;
  const rest = eventType.slice(format === 'versioned' ? VERSIONED.length : UNVERSIONED.length);
  const phase = (PHASE.exec(rest)?.[1] ?? 'none') as Phase;
  const name = rest.replace(PHASE, '');
  const odd = format === 'unversioned' && Object.hasOwn(ODD_NAMES, name) ? ODD_NAMES[name] : undefined;
  const event = odd ?? (NAMES.has(name) ? (name as EventName) : null);
  return { format, event, phase };
}

function formatOf(eventType: string): NotificationFormat | null {
  if (eventType.startsWith(VERSIONED)) return 'versioned';
  return eventType.startsWith(UNVERSIONED) ? 'unversioned' : null;
}
