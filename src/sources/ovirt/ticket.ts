// SPDX-License-Identifier: Apache-2.0
// The ticket that an oVirt engine makes for a console: the SPICE password that its guest has from then on.
import { objectOf, textOf } from '../json.js';

/** A ticket. */
export interface Ticket {
  readonly kind: 'made';
  /** Secret. */
  readonly value: string;
  /** Seconds, from the moment it was asked for, in which it opens channels. */
  readonly validFor: number;
}

/** As many bytes as a SPICE server keeps (SPICE_MAX_PASSWORD_LENGTH without its zero). */
const MAX_BYTES = 59;

/** The ticket of an answer; null when it holds none that a SPICE server takes. @param asked seconds that it was asked for */
export function readTicket(json: unknown, asked: number): Ticket | null {
  const ticket = objectOf(objectOf(json)?.['ticket']);
  const value = textOf(ticket?.['value']);
  if (value === null || Buffer.byteLength(value) > MAX_BYTES) return null;
  const expiry = Number(ticket?.['expiry']);
  return { kind: 'made', value, validFor: expiry > 0 ? Math.min(expiry, asked) : asked };
}
