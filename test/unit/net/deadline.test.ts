// SPDX-License-Identifier: Apache-2.0
// Ends to waiting, on a clock that the tests move.
import { EventEmitter } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  destroyAfter,
  doneWithin,
  inTenths,
  signalWithin,
  unlessAborted,
  withDeadline,
} from '../../../src/net/deadline.js';

const LATE = new Error('late');
const never = new Promise<never>(() => undefined);

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

describe('withDeadline', () => {
  it('gives what the work gives, and leaves no timer', async () => {
    expect(await withDeadline(Promise.resolve('done'), 100, () => LATE)).toBe('done');
    expect(jest.getTimerCount()).toBe(0);
  });

  it('throws what the work throws, and leaves no timer', async () => {
    const fault = new Error('broken');
    await expect(withDeadline(Promise.reject(fault), 100, () => LATE)).rejects.toBe(fault);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('throws its fault when the time is over, not a moment earlier', async () => {
    const seen = jest.fn();
    const waiting = withDeadline(never, 100, () => LATE).catch(seen);
    await jest.advanceTimersByTimeAsync(99);
    expect(seen).not.toHaveBeenCalled();
    await jest.advanceTimersByTimeAsync(1);
    await waiting;
    expect(seen).toHaveBeenCalledWith(LATE);
  });

  it('drops a fault that comes too late', async () => {
    const unhandled = jest.fn();
    process.once('unhandledRejection', unhandled);
    let fail: (error: Error) => void = () => undefined;
    const work = new Promise<never>((_resolve, reject) => (fail = reject));
    const waiting = withDeadline(work, 100, () => LATE).catch(() => 'over');
    await jest.advanceTimersByTimeAsync(100);
    expect(await waiting).toBe('over');
    fail(new Error('too late to matter'));
    jest.useRealTimers();
    await new Promise((resolve) => setImmediate(resolve));
    expect(unhandled).not.toHaveBeenCalled();
    process.off('unhandledRejection', unhandled);
  });

  it('makes no fault when the work is done in time', async () => {
    const fault = jest.fn(() => LATE);
    await withDeadline(Promise.resolve(), 100, fault);
    await jest.advanceTimersByTimeAsync(200);
    expect(fault).not.toHaveBeenCalled();
  });
});

describe('doneWithin', () => {
  it('says true when the work is done in time, and leaves no timer', async () => {
    expect(await doneWithin(Promise.resolve('anything'), 100)).toBe(true);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('says false when it is not', async () => {
    const waiting = doneWithin(never, 100);
    await jest.advanceTimersByTimeAsync(100);
    expect(await waiting).toBe(false);
  });

  it('throws what the work throws in time', async () => {
    await expect(doneWithin(Promise.reject(LATE), 100)).rejects.toBe(LATE);
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe('unlessAborted', () => {
  it('gives what the work gives, and listens to the signal no longer', async () => {
    const { signal } = new AbortController();
    const stopListening = jest.spyOn(signal, 'removeEventListener');
    expect(await unlessAborted(Promise.resolve('done'), signal)).toBe('done');
    expect(stopListening).toHaveBeenCalledTimes(1);
  });

  it('gives null when the signal fires first', async () => {
    const abort = new AbortController();
    const waiting = unlessAborted(never, abort.signal);
    abort.abort();
    expect(await waiting).toBeNull();
  });

  it('gives null at once when the signal has fired before', async () => {
    expect(await unlessAborted(never, AbortSignal.abort())).toBeNull();
  });

  it('throws what the work throws before the signal fires', async () => {
    await expect(unlessAborted(Promise.reject(LATE), new AbortController().signal)).rejects.toBe(LATE);
  });
});

describe('signalWithin', () => {
  it('fires with another signal', () => {
    const abort = new AbortController();
    const signal = signalWithin(60_000, abort.signal);
    expect(signal.aborted).toBe(false);
    abort.abort();
    expect(signal.aborted).toBe(true);
  });

  it('fires by itself, with a TimeoutError', async () => {
    jest.useRealTimers();
    const signal = signalWithin(0.5, new AbortController().signal);
    // The signal's own timer keeps no process alive.
    const alive = setInterval(() => undefined, 1000);
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
    clearInterval(alive);
    expect((signal.reason as DOMException).name).toBe('TimeoutError');
  });

  it('fires though nobody but its listener knows of it, whatever the garbage collector does', async () => {
    jest.useRealTimers();
    const fired = jest.fn();
    const other = new AbortController();
    for (let count = 0; count < 50; count += 1)
      signalWithin(100, other.signal).addEventListener('abort', fired);
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const collecting = setInterval(collect, 5);
    await new Promise((resolve) => setTimeout(resolve, 300));
    clearInterval(collecting);
    expect(fired).toHaveBeenCalledTimes(50);
  });
});

describe('destroyAfter', () => {
  class Socket extends EventEmitter {
    destroy = jest.fn();
  }

  it('destroys a socket that stays open', () => {
    const socket = new Socket();
    destroyAfter(socket, 100);
    jest.advanceTimersByTime(99);
    expect(socket.destroy).not.toHaveBeenCalled();
    jest.advanceTimersByTime(1);
    expect(socket.destroy).toHaveBeenCalledTimes(1);
  });

  it('leaves no timer when the socket closes, or when it is called off', () => {
    const socket = new Socket();
    destroyAfter(socket, 100);
    const callOff = destroyAfter(new Socket(), 100);
    socket.emit('close');
    callOff();
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe('inTenths', () => {
  it('rounds what is left up to tenths of a second, and never down to nothing', () => {
    expect([2999.2, 3000, 100.1, 99, 0, -5].map(inTenths)).toEqual([3000, 3000, 200, 100, 100, 100]);
  });
});
