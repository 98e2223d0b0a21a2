// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Retries } from '../../../../src/console/control/retry.js';

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

/** Records on their way into a database that may be away. */
class Records {
  readonly retries = new Retries();
  away = true;
  attempts = 0;
  written: number[] = [];
  underWay = 0;
  mostUnderWay = 0;

  add(name: number): Promise<void> {
    return this.retries.run(async () => {
      this.attempts += 1;
      this.underWay += 1;
      this.mostUnderWay = Math.max(this.mostUnderWay, this.underWay);
      await Promise.resolve();
      this.underWay -= 1;
      if (this.away) throw new Error('away');
      this.written.push(name);
    }, 'record');
  }
}

describe('what must be written', () => {
  it('is tried until it succeeds', async () => {
    const records = new Records();
    const done = records.add(1);
    await jest.advanceTimersByTimeAsync(6000);
    records.away = false;
    await jest.advanceTimersByTimeAsync(2000);
    await done;
    expect(records.attempts).toBe(4);
  });

  it('outlasts a database that is away for an hour, ever less often', async () => {
    const records = new Records();
    const done = records.add(1);
    await jest.advanceTimersByTimeAsync(3_600_000);
    expect(records.attempts).toBeGreaterThan(230);
    expect(records.attempts).toBeLessThan(250);
    records.away = false;
    await jest.advanceTimersByTimeAsync(30_000);
    await done;
  });

  it('is given up after a day, and never rejects', async () => {
    const records = new Records();
    const done = records.add(1);
    await jest.advanceTimersByTimeAsync(86_300_000);
    const attempts = records.attempts;
    await jest.advanceTimersByTimeAsync(3_600_000);
    await expect(done).resolves.toBeUndefined();
    expect(records.attempts).toBeGreaterThan(attempts);
    expect(records.attempts).toBeLessThan(attempts + 10);
  });

  it('is written at once when the database is back, all of it, a few at a time and in order', async () => {
    const records = new Records();
    const names = Array.from({ length: 500 }, (_unused, index) => index);
    const done = names.map((name) => records.add(name));
    await jest.advanceTimersByTimeAsync(60_000);
    records.away = false;
    records.mostUnderWay = 0;
    records.retries.retryNow();
    await Promise.all(done);
    expect(records.written).toEqual(names);
    expect(records.mostUnderWay).toBe(8);
  });

  it('waits on when it is tried too early', async () => {
    const records = new Records();
    const done = records.add(1);
    await jest.advanceTimersByTimeAsync(600_000);
    const { attempts } = records;
    records.retries.retryNow();
    records.retries.retryNow();
    await jest.advanceTimersByTimeAsync(1);
    expect(records.attempts).toBe(attempts + 1);
    records.away = false;
    await jest.advanceTimersByTimeAsync(15_000);
    await done;
    expect(records.written).toEqual([1]);
    expect(jest.getTimerCount()).toBe(0);
  });
});
