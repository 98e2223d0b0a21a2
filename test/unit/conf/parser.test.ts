// SPDX-License-Identifier: Apache-2.0
// The INI dialect of oslo.config.
import { describe, expect, it } from '@jest/globals';
import { parseIni } from '../../../src/conf/parser.js';
import { StartupFaults } from '../../../src/exception.js';

function pairs(text: string): string[] {
  return parseIni(text, 'k.conf').map((a) => `${a.line} [${a.group}] ${a.option}=${a.value}`);
}

describe('parseIni', () => {
  it('reads groups, options, comments and both separators', () => {
    const text = '# one\n; two\n[DEFAULT]\ndebug = true\n\n[api]\nport: 1\naddress=a:b\n';
    expect(pairs(text)).toEqual(['4 [DEFAULT] debug=true', '7 [api] port=1', '8 [api] address=a:b']);
  });

  it('joins indented lines to the value before them', () => {
    expect(pairs('[spice]\naddress = a,\n  b\n\tc\nworkers = 2')).toEqual([
      '2 [spice] address=a,\nb\nc',
      '5 [spice] workers=2',
    ]);
  });

  it('ends a value at a blank line and at a comment in the first column', () => {
    expect(pairs('[a]\nx = 1\n# no part of it\ny = 2\n')).toEqual(['2 [a] x=1', '4 [a] y=2']);
    expect(() => pairs('[a]\nx = 1\n\n  lost\n')).toThrow(
      'k.conf line 4: an indented line continues an option',
    );
  });

  it('takes a hash sign inside a value as part of it', () => {
    expect(pairs('[a]\nx = a # b\n')).toEqual(['2 [a] x=a # b']);
  });

  it('removes one pair of quotes and keeps a lone one', () => {
    expect(pairs('[a]\nx = " b "\ny = \'c\'\nz = "\nw = "d\'')).toEqual([
      '2 [a] x= b ',
      '3 [a] y=c',
      '4 [a] z="',
      '5 [a] w="d\'',
    ]);
  });

  it('leaves dollar signs and percent signs alone', () => {
    expect(pairs('[a]\nx = $state_path/%(y)s\n')).toEqual(['2 [a] x=$state_path/%(y)s']);
  });

  it('keeps repeated options and repeated groups in order', () => {
    expect(pairs('[a]\nx=1\n[b]\ny=2\n[a]\nx=3\nx=4')).toEqual([
      '2 [a] x=1',
      '4 [b] y=2',
      '6 [a] x=3',
      '7 [a] x=4',
    ]);
  });

  it('reads files with Windows line ends and a byte order mark', () => {
    expect(pairs('\uFEFF[a]\r\nx=1\r\n')).toEqual(['2 [a] x=1']);
  });

  it.each([
    ['x = 1', 'k.conf line 1: option x stands before the first [group]'],
    ['[a]\nnonsense', 'k.conf line 2: neither a [group], nor "option = value", nor a comment'],
    ['[a', 'k.conf line 1: a group must end with "]"'],
    ['[]', 'k.conf line 1: a group needs a name between the brackets'],
    ['[a]\n= 3', 'k.conf line 2: the name of the option is missing before "="'],
  ])('names file and line of %j', (text, message) => {
    expect(() => pairs(text)).toThrow(message);
  });

  it('names every line that is none', () => {
    expect(() => pairs('x = 1\n[a]\nnonsense\ny = 2\n[b\n')).toThrow(
      new StartupFaults([
        'k.conf line 1: option x stands before the first [group]',
        'k.conf line 3: neither a [group], nor "option = value", nor a comment',
        'k.conf line 5: a group must end with "]"',
      ]),
    );
  });
});
