// SPDX-License-Identifier: Apache-2.0
// What the digest of an event in the chain is made of.
import { createHash } from 'node:crypto';
import { CHAINED_COLUMNS } from '../db/api/audit-chain.js';
import type { AuditEventRow } from '../db/models/audit-event.js';

/** The first event of a chain follows this. */
export const GENESIS = '0'.repeat(64);

/** An event at its place in the chain; its members have the names that they have in lines. */
export interface SealedEvent extends AuditEventRow {
  /** From 1, without gaps. */
  readonly position: number;
  /** The digest of the event before it; null when that is not known any more. */
  readonly previous: string | null;
  readonly digest: string;
}

const FORM = 'kerbside-audit-1';

/**
 * The digest of an event: SHA-256, in hex, of the JSON array of the name of this form, the digest before it, its position and
 * its columns in the order of the database.
 */
export function digestOf(event: AuditEventRow, position: number, previous: string): string {
  const content = [FORM, previous, position, ...CHAINED_COLUMNS.map((column) => event[column])];
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}
