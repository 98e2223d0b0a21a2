// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import type { ConnectInfo } from '../../../src/objects/connect-info.js';
import type { Location, SourceDriver } from '../../../src/sources/driver.js';
import { Locator } from '../../../src/sources/locator.js';

const target = { hypervisor: 'recorded' } as ConnectInfo;
const elsewhere = { hypervisor: 'elsewhere' } as ConnectInfo;
const channel = { source: 'cloud', uuid: 'u', platform: 'openstack', target, main: true };

/** A locator over one source, whose driver answers as told. */
function locatorOver(driver: Location | Error | undefined) {
  const asked: string[] = [];
  const answering = (location: Location): SourceDriver => ({
    type: 'scripted',
    locate: ({ uuid }, signal) => {
      asked.push(`${uuid} ${String(signal.aborted)}`);
      return Promise.resolve(location);
    },
  });
  const locator = new Locator({
    find: (name) => {
      if (driver === undefined) return Promise.resolve(undefined);
      const found = driver instanceof Error ? driver : answering(driver);
      return Promise.resolve({ name, knowsUsers: false, driver: found });
    },
  });
  return { locator, asked };
}

describe('the locator', () => {
  it('leads a main channel where the platform says, and the others where the records say', async () => {
    const { locator, asked } = locatorOver({ kind: 'confirmed', target: elsewhere });
    expect(await locator.locate(channel, 1)).toEqual({
      kind: 'confirmed',
      target: elsewhere,
      expectedInstanceUuid: 'u',
      mint: null,
    });
    expect(asked).toEqual(['u false']);
    const other = { ...channel, main: false };
    expect(await locator.locate(other, 1)).toEqual({
      kind: 'recorded',
      target,
      expectedInstanceUuid: 'u',
      mint: null,
    });
    expect(asked).toHaveLength(1);
  });

  it('asks no guest for a UUID where guests report none', async () => {
    const { locator } = locatorOver({ kind: 'recorded' });
    const location = await locator.locate({ ...channel, platform: 'static' }, 1);
    expect(location).toEqual({ kind: 'recorded', target, expectedInstanceUuid: null, mint: null });
  });

  it('leads to the recorded address while the platform cannot be asked', async () => {
    const at = { kind: 'unconfirmed', target, expectedInstanceUuid: 'u', mint: null };
    const silent = locatorOver({ kind: 'unconfirmed', why: 'no answer in time' });
    expect(await silent.locator.locate(channel, 1)).toEqual({ ...at, why: 'no answer in time' });
    const faulty = locatorOver(new Error('source "cloud" lacks url'));
    expect(await faulty.locator.locate(channel, 1)).toEqual({ ...at, why: 'source "cloud" lacks url' });
    const gone = locatorOver(undefined);
    expect(await gone.locator.locate(channel, 1)).toEqual({
      ...at,
      why: expect.stringMatching(/not configured/),
    });
  });

  it('leads nowhere when the platform says so', async () => {
    const { locator } = locatorOver({ kind: 'denied', why: 'stopped' });
    expect(await locator.locate(channel, 1)).toEqual({ kind: 'denied', why: 'stopped' });
  });

  it('goes by the records for platforms that have no driver here', async () => {
    const { locator, asked } = locatorOver({ kind: 'denied', why: 'gone' });
    for (const platform of ['never heard of', '']) {
      const location = await locator.locate({ ...channel, platform }, 1);
      expect(location).toEqual({ kind: 'recorded', target, expectedInstanceUuid: null, mint: null });
    }
    expect(asked).toEqual([]);
  });
});
