// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from '@jest/globals';
import { EndSignal } from '../../../../src/console/connection/end-signal.js';

describe('a signal', () => {
  test('has no reason before it is raised', () => {
    const signal = new EndSignal();
    expect(signal.aborted).toBe(false);
    expect(signal.reason).toBeUndefined();
    signal.throwIfAborted();
  });

  test('tells its listeners once, in their order, when its reason is there', () => {
    const signal = new EndSignal();
    const heard: unknown[] = [];
    signal.addEventListener('abort', () => heard.push('first', signal.reason));
    signal.addEventListener('abort', () => heard.push('second'));
    const fault = new Error('over');
    signal.abort(fault);
    signal.abort(new Error('again'));
    expect(heard).toEqual(['first', fault, 'second']);
    expect(signal.reason).toBe(fault);
    expect(() => signal.throwIfAborted()).toThrow(fault);
  });

  test('does not call a listener that was taken away, or that came too late', () => {
    const signal = new EndSignal();
    const heard: string[] = [];
    const gone = (): void => void heard.push('gone');
    signal.addEventListener('abort', gone);
    signal.removeEventListener('abort', gone);
    signal.abort(new Error('over'));
    signal.addEventListener('abort', () => heard.push('late'));
    expect(heard).toEqual([]);
  });

  test('bears a listener that raises it again', () => {
    const signal = new EndSignal();
    let heard = 0;
    const again = (): void => {
      heard += 1;
      signal.abort(new Error('again'));
    };
    signal.addEventListener('abort', again);
    signal.abort(new Error('over'));
    expect(heard).toBe(1);
    expect(signal.reason?.message).toBe('over');
  });
});
