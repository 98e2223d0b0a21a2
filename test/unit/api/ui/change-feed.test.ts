// SPDX-License-Identifier: Apache-2.0
// What has changed between two looks, and where the pages of the original are.
import { describe, expect, it } from '@jest/globals';
import { changed } from '../../../../src/api/ui/change-feed.js';
import { FigureCache } from '../../../../src/api/ui/figure-cache.js';
import { pageOf } from '../../../../src/api/ui/browser-pages.js';
import type { Figures } from '../../../../src/objects/overview.js';

const MARKS = { sessions: 1, connections: 1, events: 1, seen: 1, errored: 0, down: 0 };

describe('changed', () => {
  it.each([
    [{}, []],
    [{ sessions: 2, connections: 2 }, ['sessions']],
    [{ events: 2, errored: 1 }, ['audit', 'sources']],
    [{ seen: null, down: 1 }, ['sources', 'services']],
  ])('%j', (change, topics) => {
    expect(changed(MARKS, { ...MARKS, ...change })).toEqual(topics);
  });

  it('is nothing at the first look', () => {
    expect(changed(undefined, MARKS)).toEqual([]);
  });
});

describe('pageOf', () => {
  it.each([
    ['/', '/ui/'],
    ['/source', '/ui/#/sources'],
    ['/console', '/ui/#/consoles'],
    ['/session', '/ui/#/sessions'],
    ['/console/my%20lab/1/audit', '/ui/#/consoles/my%20lab/1'],
    ['/console/lab/1', undefined],
    ['/v1/consoles', undefined],
    ['/constructor', undefined],
  ])('%s', (path, page) => {
    expect(pageOf(path)).toBe(page);
  });
});

describe('FigureCache', () => {
  it('reads once for all, again after a while, and at once after a fault', async () => {
    let now = 0;
    let reads = 0;
    let fault = false;
    const cache = new FigureCache(
      () => {
        reads += 1;
        return fault ? Promise.reject(new Error('away')) : Promise.resolve({ consoles: reads } as Figures);
      },
      () => now,
    );
    expect(await Promise.all([cache.get(), cache.get()])).toEqual([{ consoles: 1 }, { consoles: 1 }]);
    now = 5000;
    fault = true;
    await expect(cache.get()).rejects.toThrow('away');
    fault = false;
    expect(await cache.get()).toEqual({ consoles: 3 });
  });
});
