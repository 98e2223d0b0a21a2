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

  it('gives up after a minute and never rejects', async () => {
    let attempts = 0;
    const done = retry(() => {
      attempts += 1;
      return Promise.reject(new Error('away'));
    }, 'record');
    await jest.advanceTimersByTimeAsync(120_000);
    await expect(done).resolves.toBeUndefined();
    expect(attempts).toBe(60);
  });
});
