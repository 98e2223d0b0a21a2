// SPDX-License-Identifier: Apache-2.0
// What an audit event says beside its text, in both APIs alike: whose session, from where, by which program, and who asked
// for it.
import type { AuditEvent } from '../../objects/audit-event.js';

/** The facts of an event as JSON; null where they are not known. */
export function auditFacts(event: AuditEvent): Record<string, string | null> {
  return {
    issued_to: event.issued_to,
    client_ip: event.client_ip,
    service: event.service,
    requested_by: event.requested_by,
    request_user: event.request_user,
    request_user_id: event.request_user_id,
    request_id: event.request_id,
    request_ip: event.request_ip,
  };
}
