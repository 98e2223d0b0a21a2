// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { Backoff } from '../../../src/messaging/backoff.js';

const OPTIONS = {
  kombuReconnectDelay: 1,
  kombuReconnectSplay: 4,
  rabbitRetryInterval: 1,
  rabbitRetryBackoff: 2,
  rabbitIntervalMax: 6,
};

describe('the pauses between attempts', () => {
  it('grow by the same step up to the maximum, and begin anew when all was well', () => {
    const backoff = new Backoff(OPTIONS);
    expect(Array.from({ length: 5 }, () => backoff.afterFailure())).toEqual([1000, 3000, 5000, 6000, 6000]);
    backoff.reset();
    expect(backoff.afterFailure()).toBe(1000);
  });

  it.each([
    [0, 1000],
    [0.5, 3000],
  ])('after a loss have a random part (%s)', (random, pause) => {
    expect(new Backoff(OPTIONS, () => random).afterLoss()).toBe(pause);
  });
});
