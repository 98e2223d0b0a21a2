// SPDX-License-Identifier: Apache-2.0
// Signed console tokens, by the recorded vectors: the texts of the original for each fault.
import { createPublicKey } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { ConsoleJwtRefused, keyIdOf, verifyConsoleJwt } from '../../../src/identity/console-jwt.js';
import { consoleTokenVectors } from '../../fixtures/cloud-captures.js';

const { pubkey_answer: answer, claims, tokens } = consoleTokenVectors();
const KEY = createPublicKey(String(answer.keys[0]?.['public_pem']));
const AUDIENCE = 'https://kerbside.example.com';
const NOW = 1_789_000_100_000;

const verify = (token: string, audience = AUDIENCE, now = NOW) => verifyConsoleJwt(token, KEY, audience, now);

describe('a signed console token', () => {
  it('names its key, its machine and itself', async () => {
    expect(keyIdOf(tokens.good)).toBe(answer.active_kid);
    expect(keyIdOf(tokens.unknown_kid)).toBe('deadbeef');
    expect(await verify(tokens.good)).toEqual({
      uuid: claims['sub'],
      tokenId: claims['jti'],
      expires: claims['exp'],
      claims,
    });
  });

  it.each([
    ['expired', 'token expired', 1_789_000_301_000],
    ['wrong_audience', 'token audience rejected', NOW],
    ['trailing_slash_audience', 'token audience rejected', NOW],
    ['bad_signature', 'invalid token signature', NOW],
    ['no_jti', 'token rejected', NOW],
  ] as const)('is refused when it is the vector %s', async (name, fault, now) => {
    await expect(verify(tokens[name], AUDIENCE, now)).rejects.toMatchObject({ fault });
  });

  it('lasts until its last second', async () => {
    expect(await verify(tokens.expired, AUDIENCE, 1_789_000_299_000)).toMatchObject({
      expires: 1_789_000_300,
    });
    await expect(verify(tokens.expired, AUDIENCE, 1_789_000_300_000)).rejects.toBeInstanceOf(
      ConsoleJwtRefused,
    );
  });

  it.each([
    [tokens.alg_none],
    [''],
    ['.'],
    ['a.b.c'],
    [`${'a'.repeat(8200)}.b.c`],
    [Buffer.from('[]').toString('base64url')],
    [`${Buffer.from('{"alg":"EdDSA"}').toString('base64url')}.e30.x`],
    [`${Buffer.from(JSON.stringify({ alg: 'EdDSA', kid: 'k'.repeat(129) })).toString('base64url')}.e30.x`],
  ])('is malformed: %.30s', (token) => {
    expect(() => keyIdOf(token)).toThrow('malformed token');
  });
});
