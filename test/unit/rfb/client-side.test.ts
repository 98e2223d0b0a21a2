// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { RfbClient, type RfbClientOptions } from '../../../src/rfb/client-side.js';
import { answerTo } from '../../../src/rfb/vnc-auth.js';
import { VERSION } from '../../../src/rfb/wire.js';
import { SERVER_INIT } from '../../fixtures/rfb-server.js';

const OK = Buffer.alloc(4);
const words = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [at, value] of values.entries()) bytes.writeUInt32BE(value, 4 * at);
  return bytes;
};
const NONE = [VERSION, Buffer.from([1, 1]), OK, SERVER_INIT];
const CHALLENGE = Buffer.from('0123456789abcdef');
const PASSWORD = [VERSION, Buffer.from([2, 2, 16]), CHALLENGE, OK, SERVER_INIT];
const VENCRYPT = [
  VERSION,
  Buffer.from([2, 1, 19]),
  Buffer.from([0, 2]),
  Buffer.from([0]),
  Buffer.concat([Buffer.from([2]), words(260, 261)]),
  Buffer.from([1]),
];
const BOTH: RfbClientOptions = { schemes: ['vencrypt', 'none'], password: '' };

/** What a client says to these bytes, in parts of `size`; TLS is marked. */
function talk(options: RfbClientOptions, server: readonly Buffer[], size: number): string[] {
  const client = new RfbClient(options);
  const said: string[] = [];
  for (const part of server) {
    for (let at = 0; at < part.length; at += size) {
      client.push(part.subarray(at, at + size));
      for (let step = client.next(); step !== null; step = client.next())
        said.push(step.kind === 'send' ? step.bytes.toString('hex') : step.kind);
    }
  }
  return said;
}

const HELLO = VERSION.toString('hex');

describe('RfbClient', () => {
  it.each([1, 2, 3, 5, 7, 100])('takes a handshake in parts of %i bytes', (size) => {
    expect(talk(BOTH, NONE, size)).toEqual([HELLO, '01', '01', 'done']);
    const answer = answerTo(CHALLENGE, 'sesame42').toString('hex');
    expect(talk({ ...BOTH, password: 'sesame42' }, PASSWORD, size)).toEqual([
      HELLO,
      '02',
      answer,
      '01',
      'done',
    ]);
    expect(talk(BOTH, VENCRYPT, size)).toEqual([HELLO, '13', '0002', '00000104', 'start_tls']);
    expect(talk({ ...BOTH, password: 'x' }, VENCRYPT, size)).toEqual([
      HELLO,
      '13',
      '0002',
      '00000105',
      'start_tls',
    ]);
  });

  it('goes on within TLS', () => {
    expect(talk(BOTH, [...VENCRYPT, OK, SERVER_INIT], 4).slice(-3)).toEqual(['start_tls', '01', 'done']);
  });

  it('does not take what was sent before TLS for what is within it', () => {
    const ack = Buffer.concat([Buffer.from([1]), OK]);
    expect(() => talk(BOTH, [...VENCRYPT.slice(0, -1), ack], 100)).toThrow('sends before TLS is there');
  });

  it('uses no scheme that is not permitted', () => {
    const strict: RfbClientOptions = { schemes: ['vencrypt'], password: 'sesame42' };
    expect(() => talk(strict, NONE, 100)).toThrow('permitted are vencrypt');
    expect(() => talk(strict, PASSWORD, 100)).toThrow('offers security types 2, 16');
  });

  it('is not done while a byte of ServerInit is missing', () => {
    for (let cut = 1; cut <= SERVER_INIT.length; cut += 1)
      expect(talk(BOTH, [...NONE.slice(0, -1), SERVER_INIT.subarray(0, -cut)], 100)).not.toContain('done');
  });

  it('gives up on a server that sends without end', () => {
    const client = new RfbClient(BOTH);
    expect(() => client.push(Buffer.alloc(100_000))).toThrow('more bytes in the handshake');
  });
});

describe('answerTo', () => {
  it('is DES with the bits of each byte of the password reversed', () => {
    // printf 0123456789abcdef | openssl enc -des-ecb -provider legacy -nopad -K cea6ce86b6a62c4c | xxd -p
    expect(answerTo(CHALLENGE, 'sesame42').toString('hex')).toBe('565b01daa86ca2e6202597c55357903e');
    expect(answerTo(Buffer.alloc(16), 'longer than eight')).toEqual(answerTo(Buffer.alloc(16), 'longer t'));
  });
});
