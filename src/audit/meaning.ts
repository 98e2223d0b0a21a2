// SPDX-License-Identifier: Apache-2.0
// What an audit event is in the words of CADF (DMTF DSP0262, taxonomies of actions and outcomes): the sentence says it, and the
// sentences are src/objects/audit-message.ts. One that is not known here is an action of kind unknown.
import type { AuditEvent } from '../objects/audit-event.js';

/** An action of the CADF taxonomy. */
export type CadfAction =
  | 'authenticate'
  | 'configure'
  | 'create'
  | 'delete'
  | 'deny'
  | 'read'
  | 'restore'
  | 'revoke'
  | 'start'
  | 'stop'
  | 'unknown'
  | 'update';

/** What an event is. */
export interface Meaning {
  readonly action: CadfAction;
  readonly outcome: 'success' | 'failure';
}

/** How sentences begin, and what they mean; the first one that fits counts. */
const MEANINGS: readonly (readonly [begin: string, action: CadfAction, outcome?: 'failure'])[] = [
  ['Login of ', 'authenticate'],
  ['Failed login of ', 'authenticate', 'failure'],
  ['Refused', 'deny', 'failure'],
  ['Rejected ', 'deny', 'failure'],
  ['Request refused', 'deny', 'failure'],
  ['Invalid console requested', 'deny', 'failure'],
  ['Channel refused', 'deny', 'failure'],
  ['Channels refused', 'deny', 'failure'],
  ['Channel type not permitted', 'deny', 'failure'],
  ['Channel not permitted', 'deny', 'failure'],
  ['Session refused', 'deny', 'failure'],
  ['Migration refused', 'deny', 'failure'],
  ['Created authentication token', 'create'],
  ['Issued direct hypervisor credential', 'read'],
  ['Reaped expired and unused token', 'revoke'],
  ['Channel created', 'start'],
  ['Channel closed', 'stop'],
  ['Firewall verdicts', 'deny'],
  ['Guest policy drops', 'deny'],
  ['Pacing this connection', 'update'],
  ['Hypervisor connection successful', 'start'],
  ['Hypervisor connection failed', 'start', 'failure'],
  ['Recording begun', 'start'],
  ['Recording ended', 'stop'],
  ['Recording ', 'start', 'failure'],
  ['Session terminated', 'stop'],
  ['Session ended', 'stop'],
  ['Session replaced', 'stop'],
  ['Node lost', 'stop', 'failure'],
  ['Node back', 'restore'],
  ['Discovered new console', 'create'],
  ['Console no longer available', 'delete'],
  ['Source no longer available', 'delete'],
  ['Console configuration changed', 'update'],
  ['The cloud could not be asked', 'read', 'failure'],
  ['Migration given up', 'update', 'failure'],
  ['Migration failed', 'update', 'failure'],
  ['Migration cancelled', 'update', 'failure'],
  ['Migration', 'update'],
  ['Instance ', 'update'],
  ['User created', 'create'],
  ['User deleted', 'delete'],
  ['User ', 'update'],
  ['API token created', 'create'],
  ['Policy ', 'configure'],
  ['Encryption key', 'configure'],
  ['Recording key', 'configure'],
  ['Audit events removed', 'delete'],
  ['Audit ', 'configure'],
  ['Legal hold placed', 'create'],
  ['Legal hold released', 'delete'],
];
const EXCHANGED = / console token exchanged$/;

/** What an event is. */
export function meaningOf({ message }: Pick<AuditEvent, 'message'>): Meaning {
  const found = MEANINGS.find(([begin]) => message.startsWith(begin));
  if (found !== undefined) return { action: found[1], outcome: found[2] ?? 'success' };
  return { action: EXCHANGED.test(message) ? 'create' : 'unknown', outcome: 'success' };
}
