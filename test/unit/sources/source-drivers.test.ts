// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { InvalidInput, Unavailable } from '../../../src/exception.js';
import type { DiscoveredConsole } from '../../../src/objects/console.js';
import type { SourceDefinition } from '../../../src/objects/source.js';
import type { SourceDriver } from '../../../src/sources/driver.js';
import type { Platform } from '../../../src/sources/platform.js';
import { SourceDrivers } from '../../../src/sources/source-drivers.js';
import { aConsole } from '../../fixtures/rows.js';

const PLAIN = { keys: [], guestReportsUuid: false } as const;

/** A site with a platform that is asked, one that is listed, and one without a driver. */
class Site {
  readonly definitions: SourceDefinition[] = [];
  readonly known = new Map<string, DiscoveredConsole>();
  readonly put: DiscoveredConsole[] = [];
  readonly removed: string[] = [];
  made = 0;
  /** What the platform `cloud` says of a console. */
  answer: SourceDriver['refresh'] = (console) => Promise.resolve(console);
  readonly drivers: SourceDrivers;

  constructor() {
    const consoles = {
      connectInfo: () => Promise.resolve(null),
      put: (_source: string, console: DiscoveredConsole) => Promise.resolve(this.put.push(console) > 0),
      remove: (_source: string, uuid: string) => Promise.resolve(this.removed.push(uuid) > 0),
      reported: () => Promise.resolve([...this.known.values()]),
      reportedOne: (_source: string, uuid: string) => Promise.resolve(this.known.get(uuid) ?? null),
    };
    const conf = {
      nova: { requestTimeout: 1, exchangeTimeout: 1 },
      sources: { requestTimeout: 1, discoveryTimeout: 1 },
      keystoneAuthtoken: { authUrl: 'https://keystone.example.org', wwwAuthenticateUri: '' },
    };
    const sources = {
      definitions: (type: string) =>
        Promise.resolve(this.definitions.filter((definition) => definition.type === type)),
    };
    this.drivers = new SourceDrivers(sources, { consoles, conf }, this.platforms());
  }

  private platforms(): Record<string, Platform> {
    const cloud: Platform = {
      ...PLAIN,
      needsDefinition: true,
      knowsUsers: ({ url }) => url === 'https://keystone.example.org',
      loadDriver: () =>
        Promise.resolve(({ definition }) => {
          this.made += 1;
          if (definition.url === 'nonsense') throw new Error('url: not one');
          const refresh = this.answer;
          const located: Pick<SourceDriver, 'type' | 'locate'> = {
            type: 'cloud',
            locate: () => Promise.resolve({ kind: 'recorded' }),
          };
          return refresh === undefined ? located : { ...located, refresh };
        }),
    };
    const list: Platform = { ...cloud, needsDefinition: false };
    return { cloud, list, later: { ...PLAIN, needsDefinition: true } };
  }
}

const SIGNAL = new AbortController().signal;

describe('the drivers of the sources', () => {
  it('are asked for by the platforms that are wanted alone', async () => {
    const site = new Site();
    site.definitions.push({ name: 'ours', type: 'cloud', url: 'https://keystone.example.org' });
    expect([...(await site.drivers.all(({ exchange }) => exchange === 'signed')).keys()]).toEqual([]);
    expect([...(await site.drivers.all(({ exchange }) => exchange === undefined)).keys()]).toEqual(['ours']);
  });

  it('are those of every source that can be asked by its definition', async () => {
    const site = new Site();
    site.definitions.push(
      { name: 'ours', type: 'cloud', url: 'https://keystone.example.org' },
      { name: 'theirs', type: 'cloud', url: 'https://elsewhere.example.org' },
      { name: 'file', type: 'list' },
      { name: 'planned', type: 'later' },
    );
    const all = await site.drivers.all();
    expect([...all].map(([name, { knowsUsers }]) => [name, knowsUsers])).toEqual([
      ['ours', true],
      ['theirs', false],
    ]);
  });

  it('are kept as long as the definition is the same, and made anew when it changes', async () => {
    const site = new Site();
    site.definitions.push({ name: 'ours', type: 'cloud', url: 'https://one.example.org' });
    const before = (await site.drivers.all()).get('ours');
    expect((await site.drivers.all()).get('ours')).toBe(before);
    site.definitions[0] = { name: 'ours', type: 'cloud', url: 'https://two.example.org' };
    expect((await site.drivers.all()).get('ours')).not.toBe(before);
    expect(site.made).toBe(2);
    site.definitions.pop();
    expect((await site.drivers.all()).size).toBe(0);
  });

  it('stand aside for why there can be none', async () => {
    const site = new Site();
    site.definitions.push({ name: 'odd', type: 'cloud', url: 'nonsense' });
    expect((await site.drivers.all()).get('odd')?.driver).toEqual(new InvalidInput('url: not one'));
    site.known.set('u', aConsole({ uuid: 'u' }));
    await expect(site.drivers.refresh('odd', 'u', SIGNAL)).rejects.toThrow(Unavailable);
  });

  it('are found by name and platform, without a definition where none is needed', async () => {
    const site = new Site();
    site.definitions.push({ name: 'ours', type: 'cloud' });
    expect(await site.drivers.find('ours', 'cloud')).toMatchObject({ name: 'ours' });
    expect(await site.drivers.find('lost', 'cloud')).toBeUndefined();
    expect(await site.drivers.find('file', 'list')).toMatchObject({ name: 'file', knowsUsers: false });
    expect(await site.drivers.find('planned', 'later')).toBeUndefined();
    expect(await site.drivers.find('x', 'constructor')).toBeUndefined();
  });

  it('record how one console is now', async () => {
    const site = new Site();
    site.definitions.push({ name: 'ours', type: 'cloud' });
    expect(await site.drivers.refresh('ours', 'u', SIGNAL)).toBe('absent');
    expect(await site.drivers.refresh('lost', 'u', SIGNAL)).toBe('absent');
    site.known.set('u', aConsole({ uuid: 'u' }));
    expect(await site.drivers.refresh('ours', 'u', SIGNAL)).toBe('written');
    expect(site.put).toEqual([aConsole({ uuid: 'u' })]);
  });

  it('cannot say of one console where the platform is not asked for one', async () => {
    const site = new Site();
    site.answer = undefined;
    site.definitions.push({ name: 'ours', type: 'cloud' });
    site.known.set('u', aConsole({ uuid: 'u' }));
    expect(await site.drivers.refresh('ours', 'u', SIGNAL)).toBe('absent');
  });
});
