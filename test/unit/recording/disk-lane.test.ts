// SPDX-License-Identifier: Apache-2.0
// The way to the disk: two operations at a time, an end to the patience with each, and none begun for whom it comes too late.
import { describe, expect, it } from '@jest/globals';
import { Unavailable } from '../../../src/exception.js';
import { DiskLane } from '../../../src/recording/disk-lane.js';
import { ManualTimers, settled } from '../../fixtures/manual-timers.js';

/** An operation that ends when a test wants it. */
class Operation {
  begun = false;
  private settle: (error?: Error) => void = () => undefined;
  readonly run = (): Promise<string> =>
    new Promise((resolve, reject) => {
      this.begun = true;
      this.settle = (error) => (error === undefined ? resolve('done') : reject(error));
    });

  end(error?: Error): void {
    this.settle(error);
  }
}

describe('the disk lane', () => {
  it('does two operations at the same time, the others in their order', async () => {
    const lane = new DiskLane(10_000, new ManualTimers());
    const operations = Array.from({ length: 4 }, () => new Operation());
    const results = operations.map(({ run }) => lane.run(run));
    const begun = async (): Promise<boolean[]> => {
      await settled();
      return operations.map((operation) => operation.begun);
    };
    expect(await begun()).toEqual([true, true, false, false]);
    operations[1]?.end();
    expect(await begun()).toEqual([true, true, true, false]);
    operations[0]?.end(new Error('no space'));
    await expect(results[0]).rejects.toThrow('no space');
    expect(await begun()).toEqual([true, true, true, true]);
    for (const operation of operations.slice(2)) operation.end();
    expect(await Promise.all(results.slice(1))).toEqual(['done', 'done', 'done']);
  });

  it('gives up an operation of a disk that hangs, and never begins one that was given up', async () => {
    const timers = new ManualTimers();
    const lane = new DiskLane(10_000, timers);
    const operations = Array.from({ length: 3 }, () => new Operation());
    const results = operations.map(({ run }) => lane.run(run).catch((error: unknown) => error));
    await timers.pass(10_000);
    for (const result of await Promise.all(results)) {
      expect(result).toBeInstanceOf(Unavailable);
      expect((result as Error).message).toBe('the disk has not answered for 10 s');
    }
    expect(operations.map(({ begun }) => begun)).toEqual([true, true, false]);
    // The disk is there again.
    operations[0]?.end();
    await settled();
    expect(operations[2]?.begun).toBe(false);
    expect(await lane.run(() => Promise.resolve('works'))).toBe('works');
  });
});
