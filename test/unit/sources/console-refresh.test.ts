// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { Unavailable } from '../../../src/exception.js';
import type { DiscoveredConsole, PutOptions } from '../../../src/objects/console.js';
import { refreshConsole, type Refreshed } from '../../../src/sources/console-refresh.js';
import { aConsole } from '../../fixtures/rows.js';

const BEFORE = aConsole({ uuid: 'one' });
const NOW = aConsole({ uuid: 'one', insecurePort: 5999 });

/** Records that take, or do not take, what a platform answers. */
class Scene {
  readonly abort = new AbortController();
  readonly put: [DiscoveredConsole, PutOptions][] = [];
  readonly removed: string[] = [];

  /** @param there whether the records still have the console as it was */
  constructor(private readonly there = true) {}

  refresh(answer: DiscoveredConsole | null, outdatesNotifications = false): Promise<Refreshed> {
    const consoles = {
      put: (_source: string, console: DiscoveredConsole, options: PutOptions = {}) => {
        this.put.push([console, options]);
        return Promise.resolve(this.there);
      },
      remove: (_source: string, uuid: string) => {
        this.removed.push(uuid);
        return Promise.resolve(this.there);
      },
    };
    const refresh = (): Promise<DiscoveredConsole | null> => Promise.resolve(answer);
    const asked = { consoles, source: 'cloud', refresh, console: BEFORE, outdatesNotifications };
    return refreshConsole(asked, this.abort.signal);
  }
}

describe('the refresh of a console', () => {
  it('records the answer for as long as the console is what it was', async () => {
    const scene = new Scene();
    expect(await scene.refresh(NOW)).toBe('written');
    expect(scene.put).toEqual([[NOW, { askedAgo: undefined, before: BEFORE }]]);
    expect(await new Scene(false).refresh(NOW)).toBe('overtaken');
  });

  it('says how long ago it asked where older notifications shall count no more', async () => {
    const scene = new Scene();
    await scene.refresh(NOW, true);
    expect(scene.put).toEqual([[NOW, { askedAgo: expect.any(Number), before: BEFORE }]]);
  });

  it('removes a console whose machine is gone', async () => {
    const scene = new Scene();
    expect(await scene.refresh(null)).toBe('removed');
    expect(scene.removed).toEqual(['one']);
    expect(await new Scene(false).refresh(null)).toBe('absent');
  });

  it.each([NOW, null])('records nothing after its deadline', async (answer) => {
    const scene = new Scene();
    scene.abort.abort();
    await expect(scene.refresh(answer)).rejects.toThrow(Unavailable);
    expect([scene.put, scene.removed]).toEqual([[], []]);
  });
});
