// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { MessageBatcher } from '../../../src/console/message-batcher.js';

describe('a message', () => {
  const batches: string[][] = [];
  let batcher: MessageBatcher<string>;

  beforeEach(() => {
    jest.useFakeTimers();
    batches.length = 0;
    batcher = new MessageBatcher((batch) => batches.push(batch));
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  test('goes at the end of the turn, with the others of it, in order', () => {
    batcher.put('a');
    batcher.put('b');
    expect(batches).toEqual([]);
    jest.advanceTimersByTime(0);
    expect(batches).toEqual([['a', 'b']]);
  });

  test('that nobody waits for goes after 10 ms, with all that came meanwhile', () => {
    batcher.putSoon('a');
    jest.advanceTimersByTime(9);
    batcher.putSoon('b');
    expect(batches).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(batches).toEqual([['a', 'b']]);
  });

  test('that nobody waits for goes with the next that somebody waits for, before it', () => {
    batcher.putSoon('a');
    batcher.put('b');
    batcher.putSoon('c');
    jest.advanceTimersByTime(0);
    expect(batches).toEqual([['a', 'b', 'c']]);
    jest.advanceTimersByTime(100);
    expect(batches).toHaveLength(1);
  });

  test('is sent at once by flush, and once only', () => {
    batcher.put('a');
    batcher.putSoon('b');
    batcher.flush();
    expect(batches).toEqual([['a', 'b']]);
    jest.advanceTimersByTime(100);
    expect(batches).toHaveLength(1);
  });

  test('after a batch begins the next one', () => {
    batcher.putSoon('a');
    jest.advanceTimersByTime(10);
    batcher.putSoon('b');
    batcher.put('c');
    jest.advanceTimersByTime(0);
    batcher.put('d');
    jest.advanceTimersByTime(0);
    expect(batches).toEqual([['a'], ['b', 'c'], ['d']]);
  });
});
