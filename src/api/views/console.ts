// SPDX-License-Identifier: Apache-2.0
// A console and its audit trail as JSON. What is not named here is not shown: the ticket above all.
import type { AuditEvent } from '../../objects/audit-event.js';
import type { Console } from '../../objects/console.js';
import { settledRecord, type SettledGuestPolicy } from '../../objects/guest-policy-levels.js';
import { auditFacts } from './audit-facts.js';

/** A console as JSON. The audit trail is always empty: it has a URL of its own. The original does not have the last two members. */
export function viewConsole(console: Console, guestPolicy: SettledGuestPolicy): Record<string, unknown> {
  return {
    uuid: console.uuid,
    source: console.source,
    hypervisor: console.hypervisor,
    hypervisor_ip: console.hypervisorIp,
    insecure_port: console.insecurePort,
    secure_port: console.securePort,
    name: console.name,
    host_subject: console.hostSubject,
    discovered: console.discovered,
    sessions: console.sessionIds,
    token_count: console.tokenCount,
    audit: [],
    protocol: console.protocol,
    guest_policy: settledRecord(guestPolicy),
  };
}

/** The same for users who may not know where the console is: the members stay, and are empty. */
export function withoutHypervisor(view: Record<string, unknown>): Record<string, unknown> {
  const nothing = { insecure_port: null, secure_port: null, host_subject: null };
  return { ...view, hypervisor: '', hypervisor_ip: '', ...nothing };
}

/** An audit event as JSON: the original's members, and what is known beyond them. */
export function viewAuditEvent(event: AuditEvent): Record<string, unknown> {
  return {
    source: event.source,
    uuid: event.uuid,
    session_id: event.session_id,
    channel: event.channel,
    node: event.node,
    pid: event.pid,
    timestamp: event.timestamp,
    message: event.message,
    ...auditFacts(event),
  };
}
