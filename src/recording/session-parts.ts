// SPDX-License-Identifier: Apache-2.0
// One session as it lies in a folder: each node, and each stretch of time between two absences, has made a file of its own.
// Read together they are one stream of entries in the order of time.
import { Conflict, NotFound } from '../exception.js';
import type { Entry } from './records.js';
import { entriesOf, type PrivateKey, type ReadOutcome, type RecordingSummary } from './recording-reader.js';

/** An entry, and where and when it was. */
export interface PlacedEntry {
  readonly entry: Entry;
  /** Which of the parts has it. */
  readonly part: number;
  /** Microseconds since the epoch. */
  readonly at: number;
}

/** The parts of one session, oldest first. @param name the session's id, or the beginning of it. @throws NotFound, Conflict */
export function partsOf(recordings: readonly RecordingSummary[], name: string): RecordingSummary[] {
  const found = recordings.filter(({ metadata }) => name !== '' && metadata.sessionId.startsWith(name));
  const ids = new Set(found.map(({ metadata }) => metadata.sessionId));
  if (ids.size === 0)
    throw new NotFound(`there is no recording of session ${name}; "recording list" shows all`);
  if (ids.size > 1) throw new Conflict(`${ids.size} sessions begin with ${name}; give more of the id`);
  return found;
}

/**
 * The entries of all parts in the order of time.
 *
 * @param outcomes one for each part, told how its reading went
 * @throws InvalidInput when one was made for another key
 */
export async function* placedEntries(
  parts: readonly RecordingSummary[],
  key: PrivateKey,
  outcomes: readonly ReadOutcome[],
): AsyncGenerator<PlacedEntry, void, undefined> {
  const sources = parts.map(({ path, metadata }, part) => ({
    ...{ part, begin: metadata.begin },
    entries: entriesOf(path, key, outcomes[part] ?? { complete: false, fault: null }),
  }));
  const heads = await Promise.all(
    sources.map(async (source) => ({ source, next: await source.entries.next() })),
  );
  try {
    for (;;) {
      const waiting = heads.filter(({ next }) => next.done !== true);
      const [first, ...others] = waiting;
      if (first === undefined) return;
      const at = (head: typeof first): number =>
        head.next.done === true ? Infinity : head.source.begin + Number(head.next.value.time);
      const earliest = others.reduce((best, head) => (at(head) < at(best) ? head : best), first);
      if (earliest.next.done === true) return;
      yield { entry: earliest.next.value, part: earliest.source.part, at: at(earliest) };
      earliest.next = await earliest.source.entries.next();
    }
  } finally {
    await Promise.all(sources.map(({ entries }) => entries.return()));
  }
}
