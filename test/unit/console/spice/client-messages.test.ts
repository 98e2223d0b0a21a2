// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { ClientMessages } from '../../../../src/console/spice/client-messages.js';
import { LimitExceeded } from '../../../../src/console/spice/errors.js';
import { encodeMessage } from '../../../fixtures/spice-messages.js';

const KEEP = { types: new Set([107]), maxBytes: 2048 };

describe.each([true, false])('ClientMessages with mini headers %s', (miniHeader) => {
  const stream = Buffer.concat([
    encodeMessage(104, Buffer.alloc(0), { miniHeader }),
    encodeMessage(107, Buffer.from('kept'), { miniHeader }),
    encodeMessage(112, Buffer.alloc(11, 1), { miniHeader }),
    encodeMessage(107, Buffer.alloc(0), { miniHeader }),
  ]);
  const expected = [
    { type: 104, body: '' },
    { type: 107, body: 'kept' },
    { type: 112, body: '' },
    { type: 107, body: '' },
  ];

  it('cuts the stream, split at every byte', () => {
    for (let split = 0; split <= stream.length; split += 1) {
      const messages = new ClientMessages(miniHeader, KEEP);
      const got = [stream.subarray(0, split), stream.subarray(split)].flatMap((part) => messages.push(part));
      expect(got.map(({ type, body }) => ({ type, body: body.toString() }))).toEqual(expected);
    }
  });

  it('takes single bytes', () => {
    const messages = new ClientMessages(miniHeader, KEEP);
    const got = [...stream].flatMap((byte) => messages.push(Buffer.of(byte)));
    expect(got.map(({ type }) => type)).toEqual([104, 107, 112, 107]);
  });

  it('refuses sizes by their header, before a byte of the body', () => {
    const claim = (type: number, size: number): Buffer => {
      const header = encodeMessage(type, Buffer.alloc(0), { miniHeader });
      header.writeUInt32LE(size, miniHeader ? 2 : 10);
      return header;
    };
    expect(() => new ClientMessages(miniHeader, KEEP).push(claim(107, 2049))).toThrow(LimitExceeded);
    expect(() => new ClientMessages(miniHeader, KEEP).push(claim(3, 0xffffffff))).toThrow(LimitExceeded);
    expect(new ClientMessages(miniHeader, KEEP).push(claim(107, 2048))).toEqual([]);
  });
});
