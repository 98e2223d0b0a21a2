// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { retry } from '../../../src/console/retry.js';

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

describe('retry', () => {
  it('does the work until it succeeds', async () => {
    let attempts = 0;
    const done = retry(() => {
      attempts += 1;
      return attempts < 4 ? Promise.reject(new Error('away')) : Promise.resolve();
    }, 'record');
    await jest.advanceTimersByTimeAsync(10_000);
    await done;
    expect(attempts).toBe(4);
  });

  it('outlasts a database that is away for an hour, ever less often', async () => {
    let attempts = 0;
    let away = true;
    const done = retry(() => {
      attempts += 1;
      return away ? Promise.reject(new Error('away')) : Promise.resolve();
    }, 'record');
    await jest.advanceTimersByTimeAsync(3_600_000);
    expect(attempts).toBeGreaterThan(230);
    expect(attempts).toBeLessThan(250);
    away = false;
    await jest.advanceTimersByTimeAsync(30_000);
    await done;
  });

  it('gives up after a day and never rejects', async () => {
    let attempts = 0;
    const done = retry(() => {
      attempts += 1;
      return Promise.reject(new Error('away'));
    }, 'record');
    await jest.advanceTimersByTimeAsync(25 * 3_600_000);
    await expect(done).resolves.toBeUndefined();
    expect(attempts).toBe(5760);
  });
});
