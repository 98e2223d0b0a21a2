// SPDX-License-Identifier: Apache-2.0
// What was read of the answers that make up a listing. A platform that says what it said the time before is not read again: reading
// thousands of guests costs more than comparing their bytes.
import { hash } from 'node:crypto';

/** The answers of one listing, and of the one before it. */
export class ReadAnswers<Read> {
  private before: ReadonlyMap<string, Read> = new Map();
  private now = new Map<string, Read>();

  /** A new listing begins: what the one before it had is remembered, and nothing older. */
  begin(): void {
    this.before = this.now;
    this.now = new Map();
  }

  /** What was read of an answer: the same object as before when its bytes are the same. */
  read(bytes: Buffer, read: () => Read): Read {
    const digest = hash('sha256', bytes);
    const found = this.now.get(digest) ?? this.before.get(digest) ?? read();
    this.now.set(digest, found);
    return found;
  }
}

/** Whether two lists have the same objects in the same order. */
export function sameObjects(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index]);
}
