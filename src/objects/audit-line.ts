// SPDX-License-Identifier: Apache-2.0
// The form in which a sealed event leaves the house: a line of JSON. Its members are all that its digest is made of, so that
// whoever has lines can check them without the database.
import { CHAINED_COLUMNS } from '../db/api/audit-chain.js';
import { InvalidInput } from '../exception.js';
import type { SealedEvent } from './audit-digest.js';

const NUMBERS: readonly string[] = ['id', 'timestamp', 'position'];
const MAYBE_NUMBERS: readonly string[] = ['pid'];
const TEXTS: readonly string[] = ['source', 'uuid', 'message', 'digest'];

/** An event as one line of JSON, without its end. */
export function eventLine({ position, previous, digest, ...event }: SealedEvent): string {
  return JSON.stringify({ position, previous, digest, ...event });
}

/**
 * Reads a line of {@link eventLine}, already parsed; members that an event does not have are left out.
 *
 * @throws InvalidInput naming the member that is missing or of another type
 */
export function readEventLine(value: unknown): SealedEvent {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new InvalidInput('the line is no JSON object');
  const members = value as Readonly<Record<string, unknown>>;
  const names = ['position', 'previous', 'digest', ...CHAINED_COLUMNS];
  const wrong = names.find((name) => !fits(name, members[name]));
  if (wrong !== undefined) throw new InvalidInput(`member ${wrong} is missing or of another type`);
  return Object.fromEntries(names.map((name) => [name, members[name]])) as unknown as SealedEvent;
}

function fits(name: string, value: unknown): boolean {
  if (NUMBERS.includes(name)) return typeof value === 'number';
  if (TEXTS.includes(name)) return typeof value === 'string';
  if (value === null) return true;
  return typeof value === (MAYBE_NUMBERS.includes(name) ? 'number' : 'string');
}
