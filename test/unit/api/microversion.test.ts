// SPDX-License-Identifier: Apache-2.0
// Which version of /v1 a header asks for.
import { describe, expect, it } from '@jest/globals';
import { isVersioned, MINORS, negotiate, versionText } from '../../../src/api/microversion.js';

const RANGE = { min: 1, max: 12 };

describe('negotiate', () => {
  it.each([
    [undefined, 1],
    ['', 1],
    ['compute 2.99', 1],
    ['console 1.1', 1],
    ['console 1.12', 12],
    ['console latest', 12],
    ['  CONSOLE   1.7 ', 7],
    ['compute 2.99, console 1.7', 7],
    ['console 1.7, console 1.8', 7],
    ['consoles 1.99', 1],
  ])('takes %j for 1.%i', (header, minor) => {
    expect(negotiate(header, RANGE)).toEqual({ kind: 'version', minor });
  });

  it.each(['1.0', '1.13', '2.5', '0.5', '1.99999'])('has no %s', (asked) => {
    expect(negotiate(`console ${asked}`, RANGE)).toEqual({ kind: 'out_of_range', asked });
  });

  it.each(['', '1', '1.', '.1', '01.1', '1.01', '1.1.1', 'LATEST', '1.1 1.2', '1.123456', '-1.1'])(
    'calls %j malformed',
    (asked) => {
      expect(negotiate(`console ${asked}`, RANGE)).toEqual({ kind: 'malformed', asked });
    },
  );

  it('repeats only the beginning of what it does not understand', () => {
    expect(negotiate(`console ${'x'.repeat(500)}`)).toEqual({ kind: 'malformed', asked: 'x'.repeat(40) });
  });
});

describe('the versions', () => {
  it('are a range from 1.0 on', () => {
    expect(versionText(MINORS.min)).toBe('1.0');
    expect(MINORS.max).toBeGreaterThanOrEqual(MINORS.min);
  });

  it.each([
    ['/v1', true],
    ['/v1/', true],
    ['/v1/consoles', true],
    ['/v10', false],
    ['/console/v1', false],
    ['/', false],
  ])('count for %s: %s', (path, expected) => {
    expect(isVersioned(path)).toBe(expected);
  });
});
