// SPDX-License-Identifier: Apache-2.0
// What the faults share: claims that hold or do not, the users at work, the look at the records, and the line of the
// table that each of them ends with.
import { delay } from '../fixtures/program.js';
import { findWrong } from './records.js';
import type { Site } from './site.js';
import { readRecords, readTruth } from './snapshot.js';
import { type Memory, Users } from './users.js';

/** What a fault came to. */
export interface Outcome {
  /** Sessions that were open when it struck. */
  readonly open: number;
  /** Sessions that lost a channel. */
  readonly lost: number;
  /** Seconds from the fault, or from its end where it lasts, until the records were right and all worked again. */
  readonly seconds: number;
}

/** A fault and what must hold. */
export interface Fault {
  readonly name: string;
  readonly run: (trial: Trial) => Promise<Outcome>;
}

const RECORDS_PAUSE_MS = 250;

/** One fault under way. */
export class Trial {
  readonly users: Users;
  readonly failures: string[] = [];

  constructor(
    readonly site: Site,
    readonly memory: Memory,
    private readonly say: (line: string) => void,
  ) {
    this.users = new Users(site, memory);
  }

  /** Sessions whose termination the API has acknowledged, of all faults so far. */
  get terminated(): readonly string[] {
    return this.memory.terminated;
  }

  /** Reports a claim. */
  claim(what: string, holds: boolean, words = ''): void {
    this.say(`  ${holds ? 'ok     ' : 'FAILED '} ${what}${words === '' ? '' : `: ${words}`}`);
    if (!holds) this.failures.push(what);
  }

  /** Reports something that is not a claim. */
  note(words: string): void {
    this.say(`          ${words}`);
  }

  /** Reports a claim that holds when the work does not throw; gives what the work gave. */
  async prove<T>(what: string, work: () => Promise<T>, words: (value: T) => string): Promise<T | undefined> {
    try {
      const value = await work();
      this.claim(what, true, words(value));
      return value;
    } catch (error) {
      this.claim(what, false, reason(error));
      return undefined;
    }
  }

  /** Ends a session through the API and remembers that it was acknowledged. */
  async terminate(sessionId: string, node?: Parameters<Site['terminate']>[1]): Promise<number> {
    const { status } = await this.site.terminate(sessionId, node);
    if (status === 200) this.memory.terminated.push(sessionId);
    return status;
  }

  /** What is wrong in the records now. */
  async wrongRows(): Promise<string[]> {
    const records = await readRecords(this.site);
    return findWrong(records, await readTruth(this.site, this.users.desktops, this.terminated));
  }

  /**
   * Waits until the records are right.
   * @returns seconds since `since` (of performance.now()), and what is still wrong at the deadline
   */
  async settled(since: number, timeoutMs: number): Promise<{ seconds: number; wrong: string[] }> {
    for (;;) {
      const wrong = await this.wrongRows();
      const elapsed = performance.now() - since;
      if (wrong.length === 0 || elapsed > timeoutMs) return { seconds: elapsed / 1000, wrong };
      await delay(RECORDS_PAUSE_MS);
    }
  }

  /** Claims that the records are right in time; gives the seconds. */
  async recordsRight(what: string, since: number, timeoutMs: number): Promise<number> {
    const { seconds, wrong } = await this.settled(since, timeoutMs);
    this.claim(
      what,
      wrong.length === 0,
      wrong.length === 0 ? `after ${seconds.toFixed(1)} s` : wrong.join('; '),
    );
    return seconds;
  }
}

/** An error's words, with those of its cause. */
export function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message} (${reason(error.cause)})`;
}
