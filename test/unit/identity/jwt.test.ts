// SPDX-License-Identifier: Apache-2.0
// Access tokens: what we mint, and what we accept of tokens that others signed with nothing but the seed.
import { createHmac } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import {
  mintToken,
  TokenExpired,
  TokenInvalid,
  tokenVerifier,
  verifyToken,
} from '../../../src/identity/jwt.js';
import { base64url, handmadeToken, sevenClaims } from '../../fixtures/handmade-jwt.js';

const SEED = 'the seed of this site';

describe('mintToken', () => {
  it('makes an HS256 token with the claims that deployments know', async () => {
    const minted = await mintToken(
      { user: 'alice', admin: true },
      { seed: SEED, issuer: 'kerbside.example.org', ttl: 3600, now: 1_700_000_000 },
    );
    const [header, payload, signature] = minted.token.split('.');
    expect(JSON.parse(Buffer.from(header!, 'base64url').toString())).toEqual({ alg: 'HS256', typ: 'JWT' });
    expect(JSON.parse(Buffer.from(payload!, 'base64url').toString())).toEqual({
      fresh: false,
      iat: 1_700_000_000,
      nbf: 1_700_000_000,
      exp: 1_700_003_600,
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
      type: 'access',
      sub: 'alice',
      iss: 'kerbside.example.org',
      kerbside_admin: true,
    });
    expect(signature).toBe(createHmac('sha256', SEED).update(`${header!}.${payload!}`).digest('base64url'));
    expect(minted).toEqual({ token: minted.token, expires: 1_700_003_600 });
  });

  it('binds a token for a cookie to its double submit value', async () => {
    const options = { seed: SEED, issuer: 'k', ttl: 60, forCookie: true };
    const minted = await mintToken({ user: 'bob', admin: false }, options);
    expect(minted.csrf).toMatch(/^[0-9a-f-]{36}$/);
    expect(await verifyToken(minted.token, SEED)).toEqual({ user: 'bob', admin: false, csrf: minted.csrf });
  });

  it('works with a seed of a few bytes', async () => {
    const minted = await mintToken({ user: 'bob', admin: false }, { seed: 'x', issuer: 'k', ttl: 60 });
    expect(await verifyToken(minted.token, 'x')).toEqual({ user: 'bob', admin: false });
  });
});

describe('verifyToken', () => {
  const now = Math.floor(Date.now() / 1000);
  const refusal = (token: string): Promise<unknown> =>
    verifyToken(token, SEED).then(() => 'accepted', String);

  it('accepts a hand-signed token with only the seven original claims, as a user who is no administrator', async () => {
    expect(await verifyToken(handmadeToken(sevenClaims('demo'), SEED), SEED)).toEqual({
      user: 'demo',
      admin: false,
    });
  });

  it.each([['true'], [1], ['yes'], [null], [{}]])(
    'takes kerbside_admin %j for no administrator',
    async (claim) => {
      const token = handmadeToken({ ...sevenClaims('demo'), kerbside_admin: claim }, SEED);
      expect((await verifyToken(token, SEED)).admin).toBe(false);
    },
  );

  it('refuses alg none, with and without a signature', async () => {
    const head = base64url({ alg: 'none', typ: 'JWT' });
    const body = base64url(sevenClaims('demo'));
    expect(await refusal(`${head}.${body}.`)).toContain('alg');
    expect(await refusal(`${head}.${body}.AAAA`)).toContain('alg');
  });

  it('refuses every algorithm but HS256', async () => {
    for (const [alg, hash] of [
      ['HS384', 'sha384'],
      ['HS512', 'sha512'],
    ] as const) {
      expect(await refusal(handmadeToken(sevenClaims('demo'), SEED, { alg, hash }))).toContain('alg');
    }
  });

  it('refuses a token of another seed and a tampered one', async () => {
    const invalid = 'TokenInvalid: invalid JWT in Authorization header';
    const token = handmadeToken(sevenClaims('demo'), SEED);
    const [head, , signature] = token.split('.');
    expect(await refusal(handmadeToken(sevenClaims('demo'), 'another seed'))).toBe(invalid);
    expect(
      await refusal(`${head!}.${base64url({ ...sevenClaims('demo'), kerbside_admin: true })}.${signature!}`),
    ).toBe(invalid);
    expect(await refusal('garbage')).toBe(invalid);
    expect(await refusal('')).toBe(invalid);
    expect(await refusal('a.b.c')).toBe(invalid);
  });

  it('refuses an expired token with an error of its own', async () => {
    const token = handmadeToken({ ...sevenClaims('demo'), exp: now - 1 }, SEED);
    await expect(verifyToken(token, SEED)).rejects.toThrow(TokenExpired);
  });

  it('calls an expired token of another seed invalid, not expired', async () => {
    const token = handmadeToken({ ...sevenClaims('demo'), exp: now - 1 }, 'another seed');
    await expect(verifyToken(token, SEED)).rejects.toThrow(TokenInvalid);
  });

  it.each([
    ['nbf in the future', { nbf: now + 60 }],
    ['no exp', { exp: undefined }],
    ['exp that is text', { exp: 'tomorrow' }],
    ['no type', { type: undefined }],
    ['type refresh', { type: 'refresh' }],
    ['no sub', { sub: undefined }],
    ['an empty sub', { sub: '' }],
    ['a numeric sub', { sub: 7 }],
  ])('refuses a token with %s', async (_title, change) => {
    const token = handmadeToken({ ...sevenClaims('demo'), ...change }, SEED);
    await expect(verifyToken(token, SEED)).rejects.toThrow(TokenInvalid);
  });
});

describe('tokenVerifier', () => {
  const minted = (user: string, ttl = 60): Promise<{ token: string }> =>
    mintToken({ user, admin: false }, { seed: SEED, issuer: 'k', ttl, now: 1_700_000_000 });

  it('says the same of a token each time, until its second is over', async () => {
    let now = 1_700_000_000_000;
    const verify = tokenVerifier(SEED, { now: () => now });
    const { token } = await minted('alice');
    expect(await verify(token)).toEqual({ user: 'alice', admin: false });
    now = 1_700_000_059_999;
    expect(await verify(token)).toEqual({ user: 'alice', admin: false });
    now = 1_700_000_060_000;
    await expect(verify(token)).rejects.toThrow(TokenExpired);
    await expect(verify(token)).rejects.toThrow(TokenExpired);
  });

  it('remembers no refusal, and no token for another', async () => {
    let now = 1_699_999_990_000;
    const verify = tokenVerifier(SEED, { now: () => now });
    const { token } = await minted('alice');
    await expect(verify(token)).rejects.toThrow('not yet valid');
    now = 1_700_000_001_000;
    expect((await verify(token)).user).toBe('alice');
    expect((await verify((await minted('bob')).token)).user).toBe('bob');
    await expect(verify(`${token.slice(0, -2)}AA`)).rejects.toThrow(TokenInvalid);
  });

  it('knows more users than it remembers', async () => {
    const verify = tokenVerifier(SEED, { now: () => 1_700_000_000_000, most: 2 });
    const tokens = await Promise.all(Array.from({ length: 4 }, (_unused, n) => minted(`user-${n}`)));
    for (const [n, { token }] of tokens.entries()) expect((await verify(token)).user).toBe(`user-${n}`);
    expect((await verify(tokens[0]!.token)).user).toBe('user-0');
  });
});
