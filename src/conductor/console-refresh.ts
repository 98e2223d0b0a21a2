// SPDX-License-Identifier: Apache-2.0
// Keeps the consoles of a platform up to date that is asked for one at a time: each is refreshed, a few at once, until the time
// of a turn is over; the next turn continues where this one stopped.
import type { Logger } from '../log.js';
import { signalWithin } from '../net/deadline.js';
import type { Consoles, DiscoveredConsole } from '../objects/console.js';
import { refreshConsole } from '../sources/console-refresh.js';
import type { SourceDriver } from '../sources/driver.js';

const BATCH = 100;
/** Requests to one platform at the same time. */
const AT_ONCE = 4;
/** Seconds that one turn takes at most, and one request. */
const TURN_SECONDS = 45;
const REQUEST_SECONDS = 15;
/** Requests without an answer after which a turn gives up. */
const MAX_FAULTS = 4;

/** Whose consoles are refreshed. */
export interface Subject {
  readonly consoles: Pick<Consoles, 'reported' | 'put' | 'remove'>;
  readonly source: string;
  readonly refresh: NonNullable<SourceDriver['refresh']>;
  readonly log: Pick<Logger, 'info'>;
}

/** The result of a turn. */
export interface RefreshTurn {
  /** Where the next turn starts: '' once all have been refreshed. */
  readonly next: string;
  /** The first fault; null when every request was answered. */
  readonly fault: Error | null;
}

/**
 * Refreshes the consoles of a source after `from`. One that cannot be refreshed now stays as it is; after a few of them
 * the turn is over.
 */
export async function refreshConsoles(
  subject: Subject,
  from: string,
  signal: AbortSignal,
): Promise<RefreshTurn> {
  const { consoles, source } = subject;
  const faults: Error[] = [];
  const end = performance.now() + TURN_SECONDS * 1000;
  let marker = from;
  for (;;) {
    const batch = await consoles.reported(source, marker, BATCH);
    for (let at = 0; at < batch.length; at += AT_ONCE) {
      if (signal.aborted || performance.now() > end || faults.length >= MAX_FAULTS)
        return { next: marker, fault: faults[0] ?? null };
      const group = batch.slice(at, at + AT_ONCE);
      const refreshes = group.map((console) =>
        refreshOne(subject, console, signal).catch((error: unknown) => {
          faults.push(error instanceof Error ? error : new Error(String(error)));
        }),
      );
      await Promise.all(refreshes);
      marker = group.at(-1)?.uuid ?? marker;
    }
    if (batch.length < BATCH) return { next: '', fault: faults[0] ?? null };
  }
}

async function refreshOne(subject: Subject, console: DiscoveredConsole, signal: AbortSignal): Promise<void> {
  const { consoles, source, refresh, log } = subject;
  const deadline = signalWithin(REQUEST_SECONDS * 1000, signal);
  const asked = { consoles, source, refresh, console, outdatesNotifications: false };
  if ((await refreshConsole(asked, deadline)) === 'removed')
    log.info('console is gone', { source, uuid: console.uuid });
}
