// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { MAX_CAPS_WORDS } from '../../../../src/console/spice/constants.js';
import { InvalidMessage, LimitExceeded } from '../../../../src/console/spice/errors.js';
import {
  decodeLinkHeader,
  decodeLinkMess,
  decodeLinkReply,
  encodeAuth,
  encodeLinkError,
  encodeLinkMess,
  encodeLinkReply,
  encodeLinkResult,
} from '../../../../src/console/spice/link-message.js';

const MESS = {
  connectionId: 0xdeadbeef,
  channelType: 9,
  channelId: 3,
  commonCaps: [0xd],
  channelCaps: [1, 2],
};
const REPLY = { publicKey: Buffer.alloc(162, 0x5a), commonCaps: [0xb], channelCaps: [0x1052] };

/** The body of an encoded struct with one u32 changed. */
function patched(encoded: Buffer, offset: number, value: number): Buffer {
  const body = Buffer.from(encoded.subarray(16));
  body.writeUInt32LE(value, offset);
  return body;
}

describe('SpiceLinkMess', () => {
  it('comes back as it was, with any number of capability words', () => {
    for (const words of [[], [1], [1, 0xffffffff, 3]]) {
      const mess = { ...MESS, commonCaps: words, channelCaps: [...words].reverse() };
      const bytes = encodeLinkMess(mess);
      expect(decodeLinkHeader(bytes)).toEqual({
        magic: 0x51444552,
        majorVersion: 2,
        minorVersion: 2,
        size: bytes.length - 16,
      });
      expect(decodeLinkMess(bytes.subarray(16))).toEqual(mess);
    }
  });

  it('may point its capabilities anywhere behind itself', () => {
    const body = Buffer.concat([
      patched(encodeLinkMess({ ...MESS, channelCaps: [] }), 14, 22),
      Buffer.of(7, 0, 0, 0),
    ]);
    expect(decodeLinkMess(body)).toMatchObject({ commonCaps: [7], channelCaps: [] });
  });

  it('may point anywhere when it has no capabilities', () => {
    const bytes = encodeLinkMess({ ...MESS, commonCaps: [], channelCaps: [] });
    for (const offset of [0, 17, 4096, 0xffffffff]) {
      expect(decodeLinkMess(patched(bytes, 14, offset))).toMatchObject({ commonCaps: [], channelCaps: [] });
    }
  });

  it.each<[string, number, number, string]>([
    ['more words than the body holds', 6, 3, 'common_caps'],
    ['more channel words than the body holds', 10, 3, 'channel_caps'],
    ['capabilities inside of the struct', 14, 17, 'caps_offset'],
    ['capabilities at 0', 14, 0, 'caps_offset'],
    ['capabilities past the end', 14, 31, 'caps_offset'],
    ['capabilities far past the end', 14, 0xffffffff, 'caps_offset'],
  ])('is refused with %s', (_title, offset, value, field) => {
    const decode = () => decodeLinkMess(patched(encodeLinkMess(MESS), offset, value));
    expect(decode).toThrow(InvalidMessage);
    expect(decode).toThrow(
      expect.objectContaining({ field: value === 3 && offset === 6 ? 'channel_caps' : field }),
    );
  });

  it.each([
    [6, 'num_common_caps', MAX_CAPS_WORDS + 1],
    [10, 'num_channel_caps', MAX_CAPS_WORDS + 1],
    [6, 'num_common_caps', 0xffffffff],
    [10, 'num_channel_caps', 0xffffffff],
  ])('is refused when the count at byte %d (%s) is %d', (offset, limit, got) => {
    const decode = () => decodeLinkMess(patched(encodeLinkMess(MESS), offset, got));
    expect(decode).toThrow(LimitExceeded);
    expect(decode).toThrow(expect.objectContaining({ limit, got, maximum: 1024 }));
  });

  it('is refused at every length that cuts it', () => {
    const body = encodeLinkMess(MESS).subarray(16);
    for (let length = 0; length < body.length; length += 1) {
      expect(() => decodeLinkMess(body.subarray(0, length))).toThrow(InvalidMessage);
    }
  });
});

describe('SpiceLinkReply', () => {
  it('comes back as it was', () => {
    const bytes = encodeLinkReply(REPLY);
    expect(bytes).toHaveLength(16 + 178 + 8);
    expect(decodeLinkReply(bytes.subarray(16))).toEqual({ error: 0, reply: REPLY });
    const bare = encodeLinkReply({ ...REPLY, commonCaps: [], channelCaps: [] });
    expect(bare).toHaveLength(194);
  });

  it('with an error holds nothing but the code', () => {
    const bytes = encodeLinkError(5);
    expect(bytes).toHaveLength(194);
    expect(decodeLinkReply(bytes.subarray(16))).toEqual({ error: 5, reply: null });
    expect(bytes.subarray(20).every((byte) => byte === 0)).toBe(true);
  });

  it.each([
    [166, 1025],
    [170, 0xffffffff],
    [166, 3],
    [174, 177],
    [174, 187],
  ])('is refused when the word at byte %d is %d', (offset, value) => {
    expect(() => decodeLinkReply(patched(encodeLinkReply(REPLY), offset, value))).toThrow();
  });

  it('is refused at every length that cuts it', () => {
    const body = encodeLinkReply(REPLY).subarray(16);
    for (let length = 0; length < body.length; length += 1) {
      expect(() => decodeLinkReply(body.subarray(0, length))).toThrow(InvalidMessage);
    }
  });

  it('is not encoded with a key of another size', () => {
    expect(() => encodeLinkReply({ ...REPLY, publicKey: Buffer.alloc(161) })).toThrow(RangeError);
  });
});

describe('the words behind the reply', () => {
  it('are the mechanism and the ticket, or the ticket alone', () => {
    const ticket = Buffer.alloc(128, 9);
    expect(encodeAuth(ticket, true)).toEqual(Buffer.concat([Buffer.of(1, 0, 0, 0), ticket]));
    expect(encodeAuth(ticket, false)).toEqual(ticket);
    expect(() => encodeAuth(Buffer.alloc(127), true)).toThrow(RangeError);
  });

  it('end in a result of four bytes', () => {
    expect(encodeLinkResult(7)).toEqual(Buffer.of(7, 0, 0, 0));
  });
});
