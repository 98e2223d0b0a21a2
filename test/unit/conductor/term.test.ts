// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { Term } from '../../../src/conductor/term.js';
import type { Database } from '../../../src/objects/database.js';

const NO_DATABASE = {} as Database;

function aTerm(milliseconds: number): { term: Term; expired: () => number; stopped: () => number } {
  let [expired, stopped] = [0, 0];
  const term = new Term(performance.now() + milliseconds, () => {
    expired += 1;
  });
  const stop = (): Promise<void> => {
    stopped += 1;
    return Promise.resolve();
  };
  term.begin({ name: 'task', begin: () => ({ stop }) }, NO_DATABASE);
  return { term, expired: () => expired, stopped: () => stopped };
}

const sleep = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });

describe('a term', () => {
  it('says by itself when it is over', async () => {
    const { term, expired } = aTerm(30);
    expect(term.isValid()).toBe(true);
    await sleep(60);
    expect([term.isValid(), expired()]).toEqual([false, 1]);
    await term.end();
  });

  it('is over at its time even before its timer could say so, and cannot be extended then', () => {
    const { term, expired } = aTerm(20);
    const end = performance.now() + 30;
    while (performance.now() < end); // as a frozen process: no timer runs
    expect([term.isValid(), expired()]).toEqual([false, 0]);
    term.extend(performance.now() + 1000);
    expect(term.isValid()).toBe(false);
    void term.end();
  });

  it('goes on when it is extended, and never becomes shorter', async () => {
    const { term, expired } = aTerm(40);
    term.extend(performance.now() + 200);
    term.extend(performance.now() + 1);
    await sleep(80);
    expect([term.isValid(), expired()]).toEqual([true, 0]);
    await term.end();
  });

  it('stops the work when it ends', async () => {
    const { term, stopped, expired } = aTerm(30);
    await term.end();
    expect([term.isValid(), stopped()]).toEqual([false, 1]);
    await sleep(50);
    expect(expired()).toBe(0);
  });
});
