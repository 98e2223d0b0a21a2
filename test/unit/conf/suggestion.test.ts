// SPDX-License-Identifier: Apache-2.0
// Suggestions for mistyped names.
import { describe, expect, it } from '@jest/globals';
import { didYouMean, nearest } from '../../../src/conf/suggestion.js';

const KNOWN = ['port', 'address', 'token_ttl', 'max_limit'];

describe('nearest', () => {
  it.each([
    ['prot', undefined],
    ['por', 'port'],
    ['adress', 'address'],
    ['token-ttl', 'token_ttl'],
    ['Token_TTL', 'token_ttl'],
    ['maxlimit', 'max_limit'],
    ['colour', undefined],
    ['', undefined],
  ])('for %j finds %j', (name, expected) => {
    expect(nearest(name, KNOWN)).toBe(expected);
  });

  it('takes its time only for names of a sane length', () => {
    expect(nearest('x'.repeat(100000), KNOWN)).toBeUndefined();
  });
});

describe('didYouMean', () => {
  it('is a question or nothing', () => {
    expect([didYouMean('adress', KNOWN), didYouMean('colour', KNOWN)]).toEqual([
      '; did you mean address?',
      '',
    ]);
  });
});
