// SPDX-License-Identifier: Apache-2.0
// Values that refer to other options. The first table was recorded from oslo.config 9.0 with these very options.
import { describe, expect, it } from '@jest/globals';
import { Loader } from '../../../src/conf/loader.js';
import { parseIni } from '../../../src/conf/parser.js';
import { Secret } from '../../../src/conf/secret.js';
import type { GroupSpec, OptionValue } from '../../../src/conf/types.js';
import { ConfError } from '../../../src/exception.js';

const help = 'An option of this test.';
const text = { type: 'string', default: '', help } as const;
const whole = { type: 'integer', default: 0, min: 0, max: 1000, help } as const;
const list = { type: 'list', item: 'word', default: [], minItems: 0, help } as const;
const GROUPS: readonly GroupSpec[] = [
  {
    name: 'DEFAULT',
    help,
    options: {
      host: text,
      state_path: { type: 'path', default: '/var/lib/k', help },
      debug_dir: { type: 'path', default: '$state_path/debug', help },
      n: { ...whole, default: 5 },
      f: { type: 'float', default: 5, min: 0, max: 10, help },
      b: { type: 'boolean', default: true, help },
      l: { ...list, default: ['a', 'b'] },
      pw: { type: 'secret', default: '', help },
    },
  },
  {
    name: 'g',
    help,
    options: {
      host: { ...text, default: 'g-host' },
      x: { ...text, deprecatedEnv: { name: 'X' } },
      y: text,
      i: whole,
      bb: { type: 'boolean', default: false, help },
      ll: list,
      pw: { type: 'secret', default: '', help },
      url: {
        ...text,
        redact: 'url',
        pattern: { accepts: /^http:/, expected: 'a URL' },
      },
      full: { ...text, default: 'of $host', emptyIsDefault: true },
      worked_out: {
        ...text,
        derived: { shown: '<x>', from: (resolved) => `made of ${resolved('g', 'x')}` },
      },
    },
  },
  {
    name: 'h',
    help,
    options: { x: text, d: { type: 'dict', default: {}, keys: ['a'], min: 0, max: 9, help } },
  },
];
const FILE = 'kerbside.conf';

function valueOf(name: string, ini: string, env: NodeJS.ProcessEnv = {}): OptionValue {
  const [group = '', option = ''] = name.split('.');
  const value = new Loader([parseIni(ini, FILE)], env, GROUPS).value(group, option);
  return value instanceof Secret ? value.reveal() : value;
}

function messageOf(name: string, ini: string, env: NodeJS.ProcessEnv = {}): string {
  try {
    return `no fault: ${JSON.stringify(valueOf(name, ini, env))}`;
  } catch (error) {
    if (error instanceof ConfError) return error.message;
    throw error;
  }
}

const BASE = '[DEFAULT]\npw = top\n[h]\nx = $host\n[g]\npw = sec$$ret\ny = $host-y\n';
const REMEDY =
  'name an option, as $option for one of the same group or of [DEFAULT] and ${group.option} for any other, ' +
  'or write $$ for a dollar sign';

describe('a value that refers to an option', () => {
  it.each([
    ['x', '$state_path/a', '/var/lib/k/a'],
    ['x', '$host', 'g-host'],
    ['x', '${g.host}', 'g-host'],
    ['x', '$y', 'g-host-y'],
    ['x', '$debug_dir/x', '/var/lib/k/debug/x'],
    ['x', '$h.x', ''],
    ['x', '$n/$f/$b', '5/5.0/True'],
    ['x', '"$host"', 'g-host'],
    ['x', '$host\n  $n', 'g-host\n5'],
    ['x', '$5 $$n \\$n', '$5 $n $n'],
    ['i', '$n', 5],
    ['i', '${n}0', 50],
    ['bb', '$b', true],
    ['ll', '$state_path/a,$host', ['/var/lib/k/a', 'g-host']],
    ['pw', 'a$$b', 'a$b'],
    ['pw', '$DEFAULT', undefined],
  ])('[g] %s = %j is what it is for oslo.config: %j', (option, written, expected) => {
    const ini = `${BASE}${option} = ${written}\n`;
    if (expected === undefined) expect(() => valueOf(`g.${option}`, ini)).toThrow(ConfError);
    else expect(valueOf(`g.${option}`, ini)).toEqual(expected);
  });

  it('takes the value from wherever it comes, and the reference works wherever it stands', () => {
    expect(valueOf('g.x', '[g]\nx = $y\n', { OS_G__Y: 'of the environment' })).toBe('of the environment');
    expect(valueOf('g.x', '[g]\ny = of the file\n', { OS_G__X: '$y/$$' })).toBe('of the file/$');
    expect(valueOf('DEFAULT.debug_dir', '[DEFAULT]\nstate_path = /srv\n')).toBe('/srv/debug');
  });

  it('is looked up where the value that it stands in belongs', () => {
    const ini = '[DEFAULT]\nhost = top\n[g]\ny = ${h.x}\n[h]\nx = $host\n';
    expect(valueOf('g.y', ini)).toBe('top');
  });

  it('is literal under a name of the original, and can be referred to', () => {
    const env = { KERBSIDE_X: 'a$$b$host${' };
    expect(valueOf('g.x', '', env)).toBe('a$$b$host${');
    expect(valueOf('g.y', '[g]\ny = $x\n', env)).toBe('a$$b$host${');
  });

  it('gives lists and pairs as a file has them, which oslo.config gives in the spelling of Python', () => {
    expect(valueOf('g.ll', '[g]\nll = z,$l\n')).toEqual(['z', 'a', 'b']);
    expect(valueOf('g.x', '[h]\nd = a:1\n[g]\nx = ${h.d}\n')).toBe('a:1');
  });

  it('can be a default, which an empty value brings back where there must be a value', () => {
    expect(valueOf('g.full', '')).toBe('of g-host');
    expect(valueOf('g.full', '[g]\nfull =\n')).toBe('of g-host');
    expect(valueOf('g.full', '[g]\nfull = $x\nx =\n')).toBe('of g-host');
  });

  it('works with a default that is worked out', () => {
    expect(valueOf('g.y', '[g]\ny = $worked_out\nx = $n\n')).toBe('made of 5');
  });

  it('is read once: one warning for an older name, however many refer to it', () => {
    const loader = new Loader([parseIni('[g]\ny = $x$x\n', FILE)], { KERBSIDE_X: '1' }, GROUPS);
    expect([loader.value('g', 'y'), loader.value('g', 'x')]).toEqual(['11', '1']);
    expect(loader.warnings).toHaveLength(1);
  });
});

describe('a reference that cannot be', () => {
  it.each([
    ['$stat_path/a', 'there is no option stat_path to put in its place; did you mean state_path?'],
    ['$nothing_like_it', 'there is no option nothing_like_it to put in its place'],
    ['$state_path.d', 'there is no option state_path.d to put in its place; did you mean state_path?'],
    ['${h.y}', 'there is no option h.y to put in its place; did you mean h.x?'],
    ['${nogroup.x}', 'there is no option nogroup.x to put in its place'],
    ['${DEFAULT.n}', 'there is no option DEFAULT.n to put in its place'],
    ['${g.n}', 'there is no option g.n to put in its place; did you mean g.x?'],
    ['$Host', 'there is no option Host to put in its place; did you mean host?'],
    ['$g', 'there is no option g to put in its place'],
    ['$toString', 'there is no option toString to put in its place'],
  ])('[g] x = %j stops the start with option, fault, place and remedy', (written, fault) => {
    expect(messageOf('g.x', `[g]\nx = ${written}\n`)).toMatch(
      new RegExp(`^\\[g\\] x: ${escaped(fault)}[^()]* \\(from kerbside.conf line 2\\); ${escaped(REMEDY)}$`),
    );
  });

  it.each([
    ['x = $x', 'g.x', '[g] x: its value refers to itself, by ${g.x} (from kerbside.conf line 2)'],
    [
      'x = $y\ny = a${g.x}',
      'g.x',
      '[g] y: its value refers to itself, by ${g.y}, then ${g.x} (from kerbside.conf line 3)',
    ],
    [
      'x = $y\ny = ${h.x}\n[h]\nx = ${g.x}',
      'g.x',
      '[h] x: its value refers to itself, by ${g.y}, then ${h.x}, then ${g.x} (from kerbside.conf line 5)',
    ],
  ])('says the way of a circle: %j', (ini, name, message) => {
    expect(messageOf(name, `[g]\n${ini}\n`)).toBe(`${message}; ${REMEDY}`);
  });

  it('names the option whose own value is wrong, not the one that refers to it', () => {
    expect(messageOf('g.x', '[g]\nx = $i\ni = many\n')).toBe(
      '[g] i: "many" is not a whole number (from kerbside.conf line 3); give a whole number from 0 to 1000',
    );
  });

  it('shows the text that came of it when that does not fit', () => {
    expect(messageOf('g.i', '[g]\ni = $host\n')).toContain('[g] i: "g-host" is not a whole number');
  });

  it('names no part of a password', () => {
    const message = messageOf('g.pw', '[g]\npw = swordfish$hunter2\n');
    expect(message).toBe(
      `[g] pw: a "$" in it stands before what is no option (from kerbside.conf line 2); ${REMEDY}`,
    );
    expect(messageOf('g.url', '[g]\nurl = http://u:$hunter2@h\n')).not.toContain('hunter2');
  });
});

describe('a secret', () => {
  it('goes into other secrets and into URLs with a password', () => {
    const ini = '[DEFAULT]\npw = top$$secret\n[g]\npw = ${pw}\nurl = http://u:$pw@h\n';
    // In [g] pw is the group's own, in its own value too.
    expect(messageOf('g.pw', ini)).toContain('refers to itself');
    expect(valueOf('g.url', '[g]\npw = s$$t\nurl = http://u:$pw@h\n')).toBe('http://u:s$t@h');
  });

  it('goes into nothing that is shown', () => {
    const message = messageOf('g.x', '[g]\npw = hunter2\nx = $pw\n');
    expect(message).toBe(
      '[g] x: ${g.pw} is secret, and this option is shown in the log (from kerbside.conf line 3); ' +
        'refer to it in options that are secret themselves only, or write $$ for a dollar sign',
    );
    expect(messageOf('g.x', '[g]\nurl = http://u:hunter2@h\nx = $url\n')).toContain('${g.url} is secret');
  });

  it('is not in the fault of a URL that was made of it', () => {
    expect(messageOf('g.url', '[g]\npw = hunter2\nurl = $pw\n')).toBe(
      '[g] url: its value does not fit (from kerbside.conf line 3); give a URL',
    );
  });

  it('is not what a URL without a password is', () => {
    expect(valueOf('g.x', '[g]\nurl = http://h\nx = $url/path\n')).toBe('http://h/path');
  });
});

function escaped(literal: string): string {
  return literal.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&');
}
