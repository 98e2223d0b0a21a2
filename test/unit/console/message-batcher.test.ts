// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Outbox } from '../../../src/console/message-batcher.js';

describe('a message', () => {
  const batches: string[][] = [];
  let outbox: Outbox<string>;

  beforeEach(() => {
    jest.useFakeTimers();
    batches.length = 0;
    outbox = new Outbox((batch) => batches.push(batch));
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  test('goes at the end of the turn, with the others of it, in order', () => {
    outbox.put('a');
    outbox.put('b');
    expect(batches).toEqual([]);
    jest.advanceTimersByTime(0);
    expect(batches).toEqual([['a', 'b']]);
  });

  test('that nobody waits for goes after 10 ms, with all that came meanwhile', () => {
    outbox.putSoon('a');
    jest.advanceTimersByTime(9);
    outbox.putSoon('b');
    expect(batches).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(batches).toEqual([['a', 'b']]);
  });

  test('that nobody waits for goes with the next that somebody waits for, before it', () => {
    outbox.putSoon('a');
    outbox.put('b');
    outbox.putSoon('c');
    jest.advanceTimersByTime(0);
    expect(batches).toEqual([['a', 'b', 'c']]);
    jest.advanceTimersByTime(100);
    expect(batches).toHaveLength(1);
  });

  test('is sent at once by flush, and once only', () => {
    outbox.put('a');
    outbox.putSoon('b');
    outbox.flush();
    expect(batches).toEqual([['a', 'b']]);
    jest.advanceTimersByTime(100);
    expect(batches).toHaveLength(1);
  });

  test('after a batch begins the next one', () => {
    outbox.putSoon('a');
    jest.advanceTimersByTime(10);
    outbox.putSoon('b');
    outbox.put('c');
    jest.advanceTimersByTime(0);
    outbox.put('d');
    jest.advanceTimersByTime(0);
    expect(batches).toEqual([['a'], ['b', 'c'], ['d']]);
  });
});
