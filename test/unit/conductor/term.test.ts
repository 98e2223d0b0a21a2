// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { Term } from '../../../src/conductor/term.js';
import type { Database } from '../../../src/objects/database.js';
import { ManualTimers } from '../../fixtures/manual-timers.js';

const NO_DATABASE = {} as Database;

function aTerm(milliseconds: number): {
  term: Term;
  timers: ManualTimers;
  expired: () => number;
  stopped: () => number;
} {
  let [expired, stopped] = [0, 0];
  const timers = new ManualTimers();
  const count = (): void => void (expired += 1);
  const term = new Term(timers.now() + milliseconds, count, timers);
  const stop = (): Promise<void> => {
    stopped += 1;
    return Promise.resolve();
  };
  term.begin({ name: 'task', begin: () => ({ stop }) }, NO_DATABASE);
  return { term, timers, expired: () => expired, stopped: () => stopped };
}

describe('a term', () => {
  it('says by itself when it is over', async () => {
    const { term, timers, expired } = aTerm(30);
    await timers.pass(29);
    expect([term.isValid(), expired()]).toEqual([true, 0]);
    await timers.pass(1);
    expect([term.isValid(), expired()]).toEqual([false, 1]);
  });

  it('is over at its time even before its timer could say so, and cannot be extended then', () => {
    const { term, timers, expired } = aTerm(20);
    timers.freeze(20);
    expect([term.isValid(), expired()]).toEqual([false, 0]);
    term.extend(timers.now() + 1000);
    expect(term.isValid()).toBe(false);
  });

  it('goes on when it is extended, and never becomes shorter', async () => {
    const { term, timers, expired } = aTerm(40);
    term.extend(200);
    term.extend(1);
    await timers.pass(199);
    expect([term.isValid(), expired()]).toEqual([true, 0]);
    await timers.pass(1);
    expect([term.isValid(), expired()]).toEqual([false, 1]);
  });

  it('stops the work when it ends, and says no more that it is over', async () => {
    const { term, timers, stopped, expired } = aTerm(30);
    await term.end();
    expect([term.isValid(), stopped()]).toEqual([false, 1]);
    await timers.pass(50);
    expect(expired()).toBe(0);
  });
});
