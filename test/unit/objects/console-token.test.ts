// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { fingerprint, fingerprintOfHash, hashToken } from '../../../src/objects/console-token.js';

describe('the name of a token', () => {
  it('is the first 12 hex digits of its SHA-256 (the example of FIPS 180-2: "abc")', () => {
    expect(hashToken('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(fingerprint('abc')).toBe('ba7816bf8f01');
    expect(fingerprintOfHash(hashToken('abc'))).toBe(fingerprint('abc'));
  });
});
