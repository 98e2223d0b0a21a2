// SPDX-License-Identifier: Apache-2.0
// Times as /v1 writes them: ISO 8601, UTC, with milliseconds.

/** A time. @param seconds since 1970; null stays null */
export function isoTime<T extends number | null>(seconds: T): T extends null ? null : string;
export function isoTime(seconds: number | null): string | null {
  return seconds === null ? null : new Date(seconds * 1000).toISOString();
}
