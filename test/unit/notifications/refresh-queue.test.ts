// SPDX-License-Identifier: Apache-2.0
// Consoles are asked about in the background: what is wished twice is asked once, a few at a time, again after a fault.
import { afterEach, describe, expect, it } from '@jest/globals';
import type { FanoutMessage } from '../../../src/messaging/fanout.js';
import { RefreshQueue } from '../../../src/notifications/refresh-queue.js';
import type { Refreshed } from '../../../src/sources/console-refresh.js';
import type { SourceDrivers } from '../../../src/sources/source-drivers.js';
import { ManualTimers, settled } from '../../fixtures/manual-timers.js';

/** Milliseconds in which wishes are gathered. */
const SETTLE = 30;

/** A source that answers as told. */
class Scene {
  readonly asked: string[] = [];
  readonly told: FanoutMessage[] = [];
  readonly warned: string[] = [];
  readonly timers = new ManualTimers();
  atOnce = 0;
  private open = 0;
  readonly queue: RefreshQueue;

  constructor(answer: (uuid: string, times: number, deadline: AbortSignal) => Promise<Refreshed>) {
    const drivers: Pick<SourceDrivers, 'refresh'> = {
      refresh: async (_source, uuid, deadline) => {
        this.asked.push(uuid);
        this.open += 1;
        this.atOnce = Math.max(this.atOnce, this.open);
        try {
          return await answer(uuid, this.asked.filter((one) => one === uuid).length, deadline);
        } finally {
          this.open -= 1;
        }
      },
    };
    this.queue = new RefreshQueue(
      drivers,
      { cast: (message) => void this.told.push(message), subscribe: () => () => undefined },
      { warning: (text) => void this.warned.push(text), debug: () => undefined },
      this.timers,
    );
  }
}

const scenes: Scene[] = [];
function aScene(...given: ConstructorParameters<typeof Scene>): Scene {
  const scene = new Scene(...given);
  scenes.push(scene);
  return scene;
}
afterEach(async () => {
  await Promise.all(scenes.splice(0).map(async ({ queue }) => queue.close()));
});

const written = (): Promise<Refreshed> => Promise.resolve('written');

describe('the queue of refreshes', () => {
  it('asks once about what was wished for several times, and tells all processes', async () => {
    const scene = aScene(written);
    for (let times = 0; times < 5; times += 1) scene.queue.request('cloud', 'a');
    await scene.timers.pass(SETTLE);
    expect(scene.asked).toEqual(['a']);
    expect(scene.told).toEqual([
      { method: 'console_changed', args: { source: 'cloud', uuid: 'a', change: 'changed' } },
    ]);
    scene.queue.request('cloud', 'a');
    await scene.timers.pass(SETTLE);
    expect(scene.asked).toEqual(['a', 'a']);
  });

  it('asks about a few at the same time, and about all', async () => {
    const answers: ((answer: Refreshed) => void)[] = [];
    const scene = aScene(() => new Promise((resolve) => answers.push(resolve)));
    for (let at = 0; at < 40; at += 1) scene.queue.request('cloud', String(at));
    await scene.timers.pass(SETTLE);
    for (let at = 0; at < 40; at += 1) {
      expect(scene.asked).toHaveLength(Math.min(at + 4, 40));
      answers[at]?.('absent');
      await settled();
    }
    expect(new Set(scene.asked).size).toBe(40);
    expect(scene.atOnce).toBe(4);
    expect(scene.told).toEqual([]);
  });

  it('asks again after a fault and when news came in between, and warns only at the end', async () => {
    const scene = aScene((uuid, times) => {
      if (times > 1) return uuid === 'gone' ? Promise.resolve('removed') : written();
      return uuid === 'overtaken' ? Promise.resolve('overtaken') : Promise.reject(new Error('503'));
    });
    for (const uuid of ['overtaken', 'faulty', 'gone']) scene.queue.request('cloud', uuid);
    await scene.timers.pass(SETTLE + 999);
    expect(scene.told).toEqual([]);
    await scene.timers.pass(1);
    expect(scene.told).toHaveLength(3);
    expect(scene.told).toContainEqual({
      method: 'console_changed',
      args: { source: 'cloud', uuid: 'gone', change: 'removed' },
    });
    expect(scene.warned).toEqual([]);
  });

  it('drops what is being asked when it is closed, and asks nothing more', async () => {
    const scene = aScene(
      (_uuid, _times, deadline) =>
        new Promise((_resolve, reject) => {
          deadline.addEventListener('abort', () => reject(new Error('given up')));
        }),
    );
    for (let at = 0; at < 9; at += 1) scene.queue.request('cloud', String(at));
    await scene.timers.pass(SETTLE);
    await scene.queue.close();
    scene.queue.request('cloud', 'late');
    await scene.timers.pass(60_000);
    expect(scene.asked).toHaveLength(4);
    expect(scene.warned).toEqual([]);
  });
});
