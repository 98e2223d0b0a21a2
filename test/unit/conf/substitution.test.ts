// SPDX-License-Identifier: Apache-2.0
// References in texts. What oslo.config 9.0 answers to each of these was recorded from oslo.config 9.0 itself.
import { describe, expect, it } from '@jest/globals';
import { escapeDollars, holdsReference, substitute } from '../../../src/conf/substitution.js';

/** Shows which names were asked for. */
function named(text: string): string {
  return substitute(text, (name) => `<${name}>`);
}

describe('substitute', () => {
  it.each([
    ['$host', '<host>'],
    ['${host}', '<host>'],
    ['$state_path/a', '<state_path>/a'],
    ['${state_path}a', '<state_path>a'],
    ['$state_patha', '<state_patha>'],
    ['$host:$n', '<host>:<n>'],
    ['$host$host', '<host><host>'],
    ['$g.host', '<g.host>'],
    ['${g.host}', '<g.host>'],
    ['${g.h.x}', '<g.h.x>'],
    ['$host.', '<host.>'],
    ['$Host', '<Host>'],
    ['$_h', '<_h>'],
    ['$n9', '<n9>'],
    ['a\n$host', 'a\n<host>'],
    ['$$', '$'],
    ['$$$$', '$$'],
    ['$$host', '$host'],
    ['$$$host', '$<host>'],
    ['a$$b', 'a$b'],
    [String.raw`\$host`, '$host'],
    [String.raw`\\$host`, String.raw`\$host`],
    [String.raw`a\$$host`, 'a$<host>'],
    ['$', '$'],
    ['a$', 'a$'],
    ['$5', '$5'],
    ['$-', '$-'],
    ['$ host', '$ host'],
    ['${', '${'],
    ['${}', '${}'],
    ['${host', '${host'],
    ['${host x}', '${host x}'],
    ['${5}', '${5}'],
    ['', ''],
  ])('reads %j as oslo.config does: %j', (text, expected) => {
    expect(named(text)).toBe(expected);
  });

  it('looks at what a name stands for no second time', () => {
    expect(substitute('a$b', () => '$b$$\\$')).toBe('a$b$$\\$');
  });
});

describe('escapeDollars', () => {
  it.each([
    ['a$b', 'a$$b'],
    ['a$$b', 'a$$$$b'],
    ['$', '$$'],
    [String.raw`\$`, String.raw`\\$`],
    [String.raw`\$$`, String.raw`\\$$$`],
    ['none', 'none'],
  ])('writes %j as %j', (text, written) => {
    expect(escapeDollars(text)).toBe(written);
  });

  it('gives a text that means the one before, whatever it holds', () => {
    const letters = ['$', '\\', '{', '}', 'a', '.', '5'];
    for (let n = 0; n < letters.length ** 5; n += 1) {
      const text = Array.from(
        { length: 5 },
        (_unused, at) => letters[Math.floor(n / letters.length ** at) % letters.length],
      ).join('');
      expect(named(escapeDollars(text))).toBe(text);
    }
  });
});

describe('holdsReference', () => {
  it.each(['$a', '${a}', '${a.b}', '$$', String.raw`\$`, 'x$A', '$_'])('is true of %j', (text) => {
    expect(holdsReference(text)).toBe(true);
  });

  it.each(['', 'a', '$', '$5', 'a$', '${', '${a', '${}', '$-'])(
    'is false of %j, which stays as it is',
    (text) => {
      expect(holdsReference(text)).toBe(false);
      expect(named(text)).toBe(text);
    },
  );
});
