// SPDX-License-Identifier: Apache-2.0
// How long keys are believed, and how often a cluster is asked about those that strangers make up; the clock is an argument.
import { describe, expect, it } from '@jest/globals';
import { generateKeyPairSync } from 'node:crypto';
import { Unavailable } from '../../../../src/exception.js';
import { readKeys, SigningKeys } from '../../../../src/sources/shakenfist/signing-keys.js';
import { consoleTokenVectors } from '../../../fixtures/cloud-captures.js';

const SIGNAL = new AbortController().signal;
const { pubkey_answer: ANSWER } = consoleTokenVectors();
const KID = ANSWER.active_kid;

class Site {
  now = 0;
  asked = 0;
  answer: () => Promise<unknown> = () => Promise.resolve(ANSWER);
  readonly keys = new SigningKeys({
    fetch: () => {
      this.asked += 1;
      return this.answer();
    },
    now: () => this.now,
  });

  async finds(id: string): Promise<boolean> {
    return (await this.keys.find(id, SIGNAL)) !== null;
  }
}

describe('signing keys', () => {
  it('are asked for once, for all who wait', async () => {
    const site = new Site();
    const found = await Promise.all(Array.from({ length: 20 }, () => site.finds(KID)));
    expect([new Set(found), site.asked]).toEqual([new Set([true]), 1]);
  });

  it('that are unknown are asked for again, but not often', async () => {
    const site = new Site();
    expect(await site.finds('deadbeef')).toBe(false);
    site.now = 9_999;
    expect([await site.finds('deadbeef'), await site.finds('deadbeee'), site.asked]).toEqual([
      false,
      false,
      1,
    ]);
    site.now = 10_000;
    expect([await site.finds('deadbeef'), site.asked]).toEqual([false, 2]);
  });

  it('that a rotation has dropped are not believed for ever', async () => {
    const site = new Site();
    expect(await site.finds(KID)).toBe(true);
    site.answer = () => Promise.resolve({ active_kid: 'x', keys: [] });
    site.now = 299_999;
    expect(await site.finds(KID)).toBe(true);
    site.now = 300_000;
    expect(await site.finds(KID)).toBe(false);
  });

  it('stay while the cluster does not answer; unknown ones are no verdict then', async () => {
    const site = new Site();
    expect(await site.finds(KID)).toBe(true);
    site.answer = () => Promise.reject(new Unavailable('away'));
    site.now = 400_000;
    expect(await site.finds(KID)).toBe(true);
    await expect(site.finds('deadbeef')).rejects.toThrow('away');
    expect(site.asked).toBe(2);
    site.answer = () => Promise.resolve(ANSWER);
    site.now = 410_000;
    expect(await site.finds('deadbeef')).toBe(false);
  });

  it('are none where the cluster has none', async () => {
    const site = new Site();
    site.answer = () => Promise.resolve(null);
    expect(await site.finds(KID)).toBe(false);
  });

  it('are not waited for longer than asked', async () => {
    const site = new Site();
    site.answer = () => new Promise(() => undefined);
    const gone = AbortSignal.abort();
    await expect(site.keys.find(KID, gone)).rejects.toThrow('did not come in time');
  });
});

describe('an answer with keys', () => {
  const [key] = ANSWER.keys;
  const pem = (type: 'spki' | 'pkcs8') => {
    const pair = generateKeyPairSync('ed25519');
    return type === 'spki'
      ? pair.publicKey.export({ type, format: 'pem' })
      : pair.privateKey.export({ type, format: 'pem' });
  };
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({
    type: 'spki',
    format: 'pem',
  });

  it('gives those that are Ed25519, by id', () => {
    const keys = readKeys({ keys: [key, { ...key, kid: 'second', public_pem: pem('spki') }] });
    expect([...keys.keys()]).toEqual([KID, 'second']);
  });

  it.each([
    [{ kid: '' }],
    [{ kid: 7 }],
    [{ kid: 'a b' }],
    [{ alg: 'HS256' }],
    [{ alg: undefined }],
    [{ public_pem: 'text' }],
    [{ public_pem: pem('pkcs8') }],
    [{ public_pem: rsa }],
    [{ public_pem: null }],
  ])('leaves out one with %j', (change) => {
    expect(readKeys({ keys: [{ ...key, ...change }, key] }).size).toBe(1);
    expect(readKeys({ keys: [{ ...key, ...change }] }).size).toBe(0);
  });

  it.each([[null], [[]], [{}], [{ keys: {} }], [{ keys: Array.from({ length: 17 }, () => key) }]])(
    'is none: %#',
    (answer) => {
      expect(() => readKeys(answer)).toThrow(Unavailable);
    },
  );
});
