// SPDX-License-Identifier: Apache-2.0
// An audit event in /v1.
import type { ListedEvent } from '../../../objects/inventory.js';
import { auditFacts } from '../audit-facts.js';
import { isoTime } from './time.js';

/**
 * An audit event; source and instance are empty for one that belongs to no console, such as a login. Who, from where and
 * by whom are part of it since 1.2.
 */
export function viewAuditEvent(event: ListedEvent, minor: number): Record<string, unknown> {
  return {
    id: event.id,
    source: event.source,
    instance_uuid: event.uuid,
    project_id: event.project_id,
    session_id: event.session_id,
    channel: event.channel,
    node: event.node,
    pid: event.pid,
    created_at: isoTime(event.timestamp),
    message: event.message,
    ...(minor < 2 ? {} : auditFacts(event)),
  };
}
