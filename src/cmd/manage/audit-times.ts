// SPDX-License-Identifier: Apache-2.0
// Times on the command line of the audit trail.
import { InvalidArgumentError } from 'commander';

const FORM = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:\d\d))?$/;

/** A moment in the form of RFC 3339, or a day, which begins in UTC. @returns epoch seconds */
export function readTime(text: string): number {
  const time = FORM.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(time)) return time / 1000;
  throw new InvalidArgumentError('Give a day as 2027-01-31, or a time as 2027-01-31T08:00:00Z.');
}

/** The same the other way round. @param time epoch seconds */
export function showTime(time: number): string {
  return new Date(time * 1000).toISOString();
}
