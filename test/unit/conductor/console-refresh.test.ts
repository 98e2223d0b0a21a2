// SPDX-License-Identifier: Apache-2.0
// The turns of refreshing: in pages, a few questions at once, going on where the last one stopped.
import { describe, expect, it } from '@jest/globals';
import { refreshConsoles } from '../../../src/conductor/console-refresh.js';
import { Unavailable } from '../../../src/exception.js';
import type { DiscoveredConsole } from '../../../src/objects/console.js';
import { aConsole } from '../../fixtures/rows.js';

type Answer = (console: DiscoveredConsole) => Promise<DiscoveredConsole | null>;

/** Consoles in memory, and a platform that answers as told. */
class Scene {
  readonly rows = new Map<string, DiscoveredConsole>();
  readonly written: string[] = [];
  readonly removed: string[] = [];
  asked = 0;
  atOnce = 0;
  private open = 0;
  readonly abort = new AbortController();

  constructor(
    count: number,
    private readonly answer: Answer,
  ) {
    for (let at = 0; at < count; at += 1) {
      const uuid = `console-${String(at).padStart(4, '0')}`;
      this.rows.set(uuid, aConsole({ uuid }));
    }
  }

  refresh(from = ''): ReturnType<typeof refreshConsoles> {
    const consoles = {
      reported: (_source: string, after: string, limit: number) =>
        Promise.resolve([...this.rows.values()].filter(({ uuid }) => uuid > after).slice(0, limit)),
      put: (_source: string, { uuid }: DiscoveredConsole) => Promise.resolve(this.written.push(uuid) > 0),
      remove: (_source: string, uuid: string) => Promise.resolve(this.removed.push(uuid) > 0),
    };
    const refresh = async (console: DiscoveredConsole): Promise<DiscoveredConsole | null> => {
      this.asked += 1;
      this.open += 1;
      this.atOnce = Math.max(this.atOnce, this.open);
      await Promise.resolve();
      this.open -= 1;
      return this.answer(console);
    };
    const subject = { consoles, source: 'cloud', refresh, log: { info: () => undefined } };
    return refreshConsoles(subject, from, this.abort.signal);
  }
}

describe('a turn of refreshing', () => {
  it('asks about every console once, a few at a time', async () => {
    const scene = new Scene(250, (console) => Promise.resolve(console));
    expect(await scene.refresh()).toEqual({ next: '', fault: null });
    expect([scene.asked, scene.written.length, scene.removed]).toEqual([250, 250, []]);
    expect(scene.atOnce).toBe(4);
  });

  it('removes what is gone', async () => {
    const scene = new Scene(3, ({ uuid }) => Promise.resolve(uuid.endsWith('1') ? null : aConsole({ uuid })));
    await scene.refresh();
    expect(scene.removed).toEqual(['console-0001']);
  });

  it('gives up after a few questions without an answer, and goes on behind them the next time', async () => {
    let away = true;
    const scene = new Scene(20, (console) =>
      away ? Promise.reject(new Unavailable('away')) : Promise.resolve(console),
    );
    const first = await scene.refresh();
    expect(first).toEqual({ next: 'console-0003', fault: new Unavailable('away') });
    expect(scene.asked).toBe(4);
    away = false;
    expect(await scene.refresh(first.next)).toEqual({ next: '', fault: null });
    expect(scene.asked).toBe(20);
  });

  it('lets one console that cannot be asked about not hold up the others', async () => {
    const scene = new Scene(9, (console) =>
      console.uuid.endsWith('2') ? Promise.reject(new Error('odd')) : Promise.resolve(console),
    );
    expect(await scene.refresh()).toEqual({ next: '', fault: new Error('odd') });
    expect(scene.written).toHaveLength(8);
  });

  it('stops when it is told to, and writes nothing more', async () => {
    const scene: Scene = new Scene(50, (console) => {
      scene.abort.abort();
      return Promise.resolve(console);
    });
    await scene.refresh();
    expect([scene.asked, scene.written]).toEqual([4, []]);
  });
});
