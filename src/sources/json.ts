// SPDX-License-Identifier: Apache-2.0
// The members of what a platform answered in JSON. Platforms write numbers as numbers or as text, and leave out what they
// have none of.

/** A JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** The value as an object; null when it is none. */
export function objectOf(value: unknown): JsonObject | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null;
}

/** The value as a list; null when it is none. */
export function listOf(value: unknown): readonly unknown[] | null {
  return Array.isArray(value) ? value : null;
}

/** Text that is not empty; null for everything else. */
export function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** A TCP port, as a number or as text; null for everything else. */
export function portOf(value: unknown): number | null {
  const port = typeof value === 'string' && /^\d{1,5}$/.test(value) ? Number(value) : value;
  return typeof port === 'number' && Number.isInteger(port) && port >= 1 && port <= 65_535 ? port : null;
}
