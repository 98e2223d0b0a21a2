// SPDX-License-Identifier: Apache-2.0
// The search that proves that nothing names the backend must itself be able to fail.
import { describe, expect, it } from '@jest/globals';
import { captured, captures } from '../fixtures/captures.js';
import { messages, searchBytes, searchStream } from '../fixtures/leak-search.js';
import type { RecordedStream } from '../fixtures/recorder.js';

const backend = { names: ['hv-17.example.org', '127.0.0.77'], ports: [5977] };

function mainStream(...extra: Buffer[]): RecordedStream {
  const handshake = captures.handshakes.find(({ name }) => name === 'main-ok-spicy-screenshot')!;
  return {
    tls: true,
    toServer: captured(handshake.c2s),
    toClient: Buffer.concat([captured(handshake.s2c), ...extra]),
  };
}

function message(type: number, body: string): Buffer {
  const head = Buffer.alloc(6);
  head.writeUInt16LE(type, 0);
  head.writeUInt32LE(body.length, 2);
  return Buffer.concat([head, Buffer.from(body, 'latin1')]);
}

describe('the search for traces of the backend', () => {
  it('finds nothing in a recorded main channel', () => {
    expect(searchStream(mainStream(), backend)).toEqual([]);
  });

  it.each(['HV-17.example.org', '127.0.0.77', 'spice://x:5977'])('finds "%s" in a message', (text) => {
    expect(searchStream(mainStream(message(7, `....${text}....`)), backend)).toHaveLength(1);
  });

  it.each([0, 1])('finds a name in UTF-16 at %d bytes from an even offset', (offset) => {
    const wide = Buffer.concat([Buffer.alloc(offset), Buffer.from('hv-17.example.org', 'utf16le')]);
    expect(searchBytes('it', wide, backend)).toEqual(['it contains "hv-17.example.org"']);
  });

  it.each([101, 111, 116])('finds migration message %d on a main channel', (type) => {
    const found = searchStream(mainStream(message(type, 'no name in it')), backend);
    expect(found).toEqual([`the main channel carried message ${type}, which names a host`]);
  });

  it('reads the messages behind the link', () => {
    const types = messages(mainStream(message(111, 'x')).toClient).map(({ type }) => type);
    expect(types.at(-1)).toBe(111);
  });
});
