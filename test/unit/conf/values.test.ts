// SPDX-License-Identifier: Apache-2.0
// From text to values: every kind of option, its bounds, and the words of its faults.
import { describe, expect, it } from '@jest/globals';
import { Secret } from '../../../src/conf/secret.js';
import type { OptionSpec } from '../../../src/conf/types.js';
import { maskUrl, readValue, showValue, ValueFault } from '../../../src/conf/values.js';

const help = 'x';
const PORT: OptionSpec = { type: 'port', default: 1, min: 0, max: 65535, help };
const SECONDS: OptionSpec = { type: 'integer', unit: 'seconds', default: 1, min: 1, max: 60, help };
const FLOAT: OptionSpec = { type: 'float', unit: 'seconds', default: 1, min: 0.1, max: 60, help };
const BOOLEAN: OptionSpec = { type: 'boolean', default: false, help };
const HOST: OptionSpec = { type: 'host', default: '::', help };
const PATH: OptionSpec = { type: 'path', default: '', help };
const CHOICE: OptionSpec = { type: 'choice', default: 'enforce', choices: ['enforce', 'warn'], help };
const HOSTS: OptionSpec = { type: 'list', item: 'host', default: ['::'], minItems: 1, help };
const NETWORKS: OptionSpec = { type: 'list', item: 'network', default: [], minItems: 0, help };
const WORDS: OptionSpec = {
  type: 'list',
  item: 'word',
  choices: ['main', 'usbredir'],
  default: [],
  minItems: 0,
  help,
};
const DICT: OptionSpec = { type: 'dict', default: {}, keys: ['usbredir', 'webdav'], min: 1, max: 9999, help };

function fault(text: string, spec: OptionSpec): string {
  try {
    readValue(text, spec);
  } catch (error) {
    if (error instanceof ValueFault) return `${error.fault}; ${error.remedy}`;
  }
  return 'no fault';
}

describe('readValue', () => {
  it.each(['true', 'True', '1', 'yes', 'ON'])('takes %s as true', (text) => {
    expect(readValue(text, BOOLEAN)).toBe(true);
  });

  it.each(['false', '0', 'No', 'off'])('takes %s as false', (text) => {
    expect(readValue(text, BOOLEAN)).toBe(false);
  });

  it.each([
    ['0', PORT, 0],
    ['65535', PORT, 65535],
    ['60', SECONDS, 60],
    ['0.5', FLOAT, 0.5],
    ['.5', FLOAT, 0.5],
    ['30', FLOAT, 30],
  ])('reads the number %s', (text, spec, value) => {
    expect(readValue(text, spec)).toBe(value);
  });

  it.each([
    ['::', '::'],
    ['[fd00::1]', 'fd00::1'],
    ['fe80::1%eth0', 'fe80::1%eth0'],
    ['127.0.0.1', '127.0.0.1'],
    ['console.example.org', 'console.example.org'],
    ['my_host', 'my_host'],
  ])('reads the address %s', (text, value) => {
    expect(readValue(text, HOST)).toBe(value);
  });

  it.each(['300.1.1.1', '1.2.3', 'a b', '', '-a', 'http://x', 'a..b', '1:2'])(
    'refuses the address %j',
    (text) => {
      expect(fault(text, HOST)).toContain(
        'is not an address; give an IPv4 address, an IPv6 address or a host name',
      );
    },
  );

  it.each(['192.0.2.7', '192.0.2.0/24', '0.0.0.0/0', '2001:db8::1', '2001:db8::/32', '::/0', 'fe80::/128'])(
    'reads the network %s',
    (text) => {
      expect(readValue(text, NETWORKS)).toEqual([text]);
    },
  );

  it.each([
    '192.0.2.0/33',
    '2001:db8::/129',
    '192.0.2.0/',
    '192.0.2.0/24/8',
    '/24',
    'balancer',
    'fe80::1%eth0',
    '192.0.2.0/024',
  ])('refuses the network %j', (text) => {
    expect(fault(text, NETWORKS)).toContain('is not an address or a network; give addresses such as');
  });

  it('reads lists with commas, lines and spaces', () => {
    expect(readValue(' ::1, 127.0.0.1\n localhost,', HOSTS)).toEqual(['::1', '127.0.0.1', 'localhost']);
    expect(readValue('', WORDS)).toEqual([]);
  });

  it('reads pairs', () => {
    expect(readValue('usbredir:3600, webdav : 60', DICT)).toEqual({ usbredir: 3600, webdav: 60 });
    expect(readValue('', DICT)).toEqual({});
  });

  it.each([
    ['banana', PORT, '"banana" is not a port number; give a port number from 0 to 65535'],
    ['65536', PORT, '65536 is more than 65535; give a port number from 0 to 65535'],
    ['', PORT, '"" is not a port number; give a port number from 0 to 65535'],
    ['0x10', PORT, '"0x10" is not a port number; give a port number from 0 to 65535'],
    ['0', SECONDS, '0 is less than 1; give a whole number from 1 to 60 seconds'],
    ['1.5', SECONDS, '"1.5" is not a whole number; give a whole number from 1 to 60 seconds'],
    ['1e3', FLOAT, '"1e3" is not a number; give a number from 0.1 to 60 seconds'],
    ['NaN', FLOAT, '"NaN" is not a number; give a number from 0.1 to 60 seconds'],
    ['maybe', BOOLEAN, '"maybe" is neither true nor false; give true or false'],
    [
      'enforced',
      CHOICE,
      '"enforced" is not one of the possible values; did you mean enforce?; give one of enforce, warn',
    ],
    ['main,usb', WORDS, '"usb" is not one of the possible values; give one of main, usbredir'],
    ['', HOSTS, 'the list is empty; give at least 1, separated by commas'],
    ['usbredir', DICT, '"usbredir" is not a key:number pair; give pairs such as usbredir:3600'],
    ['usbredir:0', DICT, '0 is less than 1; give a number from 1 to 9999'],
    ['a\0b', PATH, '"a\\u0000b" is not a path; give a path without control characters'],
  ])('says what is wrong with %j and what would be right', (text, spec, message) => {
    expect(fault(text, spec)).toBe(message);
  });

  it('keeps a long or broken value on one short line', () => {
    expect(fault('x'.repeat(500), PORT).length).toBeLessThan(200);
    expect(fault('a\nb', PORT)).not.toContain('\n');
  });

  it('never shows a secret nor the password of a URL', () => {
    const url: OptionSpec = {
      type: 'string',
      default: '',
      redact: 'url',
      help,
      pattern: { accepts: /^$/, expected: 'x' },
    };
    expect(fault('pgsql://u:hunter2@h/d', url)).toBe('"pgsql://u:***@h/d" does not fit; give x');
    const secret: OptionSpec = { type: 'secret', default: '', help };
    expect(showValue(readValue('hunter2', secret), secret)).toBe('***');
  });
});

describe('maskUrl', () => {
  it('masks up to the last @, since passwords may hold one', () => {
    expect(maskUrl('mysql://kerbside:p@ss/w:rd@[::1]:3306/kerbside')).toBe(
      'mysql://kerbside:***@[::1]:3306/kerbside',
    );
    expect(maskUrl('kerbside:p@ss@db/kerbside')).toBe('***@db/kerbside');
    expect(maskUrl('sqlite:////var/lib/x.sqlite')).toBe('sqlite:////var/lib/x.sqlite');
  });
});

describe('showValue', () => {
  it('gives the spelling of the file back', () => {
    expect(showValue(['a', 'b'], HOSTS)).toBe('a,b');
    expect(showValue({ usbredir: 3600, webdav: 60 }, DICT)).toBe('usbredir:3600,webdav:60');
    expect(showValue(true, BOOLEAN)).toBe('true');
    expect(showValue(new Secret('x'), { type: 'secret', default: '', help })).toBe('***');
  });
});
