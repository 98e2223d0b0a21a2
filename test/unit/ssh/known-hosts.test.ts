// SPDX-License-Identifier: Apache-2.0
// Files of known host keys, as OpenSSH writes and reads them.
import { createHmac } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { fingerprintOf, keyType, knownKeys } from '../../../src/ssh/known-hosts.js';

/** A public key in the form of the wire. */
function aKey(type: string, byte: number): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(type.length);
  return Buffer.concat([head, Buffer.from(type), Buffer.alloc(36, byte)]);
}

const KEY = aKey('ssh-ed25519', 1);
const OTHER = aKey('ssh-rsa', 2);
const line = (names: string, key = KEY): string =>
  `${names} ${keyType(key)} ${key.toString('base64')} comment\n`;

describe('known host keys', () => {
  it.each([
    ['its name', 'kvm1', 22],
    ['a list', 'a,kvm1,b', 22],
    ['another case', 'KVM1', 22],
    ['a pattern', 'kvm?', 22],
    ['a wide pattern', '*', 22],
    ['a port', '[kvm1]:2222', 2222],
  ])('are found by %s', (_how, names, port) => {
    expect(knownKeys(line(names), 'kvm1', port).keys).toEqual([KEY]);
  });

  it.each([
    ['another name', 'kvm2', 22],
    ['a longer name', 'kvm10', 22],
    ['the usual port for another one', 'kvm1', 2222],
    ['another port', '[kvm1]:2223', 2222],
    ['a pattern that leaves it out', '*,!kvm1', 22],
    ['a dot that is no pattern', 'kvm.', 22],
  ])('are not found by %s', (_how, names, port) => {
    expect(knownKeys(line(names), 'kvm1', port).keys).toEqual([]);
  });

  it('are found by a hashed name', () => {
    const salt = Buffer.alloc(20, 7);
    const digest = createHmac('sha1', salt).update('kvm1').digest('base64');
    const text = line(`|1|${salt.toString('base64')}|${digest}`);
    expect(knownKeys(text, 'kvm1', 22).keys).toEqual([KEY]);
    expect(knownKeys(text, 'kvm2', 22).keys).toEqual([]);
  });

  it('are all that the file has, but for comments, nonsense and certificates of hosts', () => {
    const text = [
      '# a comment\n',
      line('kvm1'),
      'kvm1 ssh-ed25519 AAAA\n',
      'kvm1\n',
      '\n',
      line('kvm1', OTHER),
    ];
    text.push(`@cert-authority ${line('*')}`, `@revoked ${line('kvm1', OTHER)}`);
    expect(knownKeys(text.join(''), 'kvm1', 22)).toEqual({ keys: [KEY, OTHER], revoked: [OTHER] });
  });

  it('are shown as ssh-keygen -l shows them', () => {
    expect(fingerprintOf(Buffer.from('abc'))).toBe('SHA256:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0');
    expect(keyType(Buffer.from('0000'))).toBe('');
  });
});
