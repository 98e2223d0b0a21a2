// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import {
  InvalidMessage,
  LimitExceeded,
  PeerIncompatible,
  type ProtocolError,
} from '../../../../src/console/spice/errors.js';
import { encodeLinkError, encodeLinkMess } from '../../../../src/console/spice/link-message.js';
import { ServerLink, type ServerLinkEvent } from '../../../../src/console/spice/server-link.js';

const MESS = { connectionId: 0, channelType: 1, channelId: 0, commonCaps: [0xd], channelCaps: [0xf] };
const HELLO = encodeLinkMess(MESS);
const TICKET = Buffer.alloc(128, 0x33);

function events(link: ServerLink): ServerLinkEvent[] {
  const result: ServerLinkEvent[] = [];
  for (let event = link.next(); event !== null; event = link.next()) {
    result.push(event);
  }
  return result;
}

function patchedHello(offset: number, value: number): Buffer {
  const bytes = Buffer.from(HELLO);
  bytes.writeUInt32LE(value, offset);
  return bytes;
}

function helloFor(channelType: number, channelId = 0): Buffer {
  return encodeLinkMess({ ...MESS, channelType, channelId });
}

type ErrorClass = new (...args: never[]) => ProtocolError;

// Code null: closed without a byte.
const REFUSED: [string, Buffer, number | null, ErrorClass][] = [
  ['another magic', Buffer.from('XEDQ'), 2, InvalidMessage],
  ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\n'), 2, InvalidMessage],
  ['a TLS ClientHello', Buffer.from('16030100aa010000a6', 'hex'), 2, InvalidMessage],
  ['major version 0', patchedHello(4, 0), null, PeerIncompatible],
  ['major version 1', patchedHello(4, 1), 4, PeerIncompatible],
  ['major version 3', patchedHello(4, 3), 4, PeerIncompatible],
  ['major version 4294967295', patchedHello(4, 0xffffffff), 4, PeerIncompatible],
  ['size 0', patchedHello(12, 0), 3, InvalidMessage],
  ['size 17', patchedHello(12, 17), 3, InvalidMessage],
  ['size 4097', patchedHello(12, 4097), 3, LimitExceeded],
  ['size 4294967295', patchedHello(12, 0xffffffff), 3, LimitExceeded],
  ['1025 common words', patchedHello(22, 1025), 3, LimitExceeded],
  ['4294967295 channel words', patchedHello(26, 0xffffffff), 3, LimitExceeded],
  ['words that do not fit', patchedHello(22, 2), 3, InvalidMessage],
  ['caps_offset 17', patchedHello(30, 17), 3, InvalidMessage],
  ['caps_offset 4294967295', patchedHello(30, 0xffffffff), 3, InvalidMessage],
  ['channel type 0', helloFor(0), null, PeerIncompatible],
  ['channel type 12', helloFor(12), null, PeerIncompatible],
  ['channel type 255', helloFor(255), null, PeerIncompatible],
];

describe('ServerLink', () => {
  it.each(REFUSED)('turns away %s', (_title, bytes, code, errorClass) => {
    const link = new ServerLink();
    link.push(bytes);
    const [event, ...more] = events(link);
    expect(more).toEqual([]);
    expect(event).toMatchObject({ type: 'reject' });
    if (event?.type === 'reject') {
      expect(event.error).toBeInstanceOf(errorClass);
      expect(event.error.name).toBe(errorClass.name);
      expect(event.reply).toEqual(code === null ? null : encodeLinkError(code));
    }
  });

  it('says nothing more after it turned a client away', () => {
    const link = new ServerLink();
    link.push(Buffer.from('XXXX'));
    expect(events(link)).toHaveLength(1);
    link.push(HELLO);
    expect(events(link)).toEqual([]);
    expect(link.rest()).toHaveLength(0);
  });

  it('judges the magic as soon as its four bytes are there', () => {
    const link = new ServerLink();
    link.push(Buffer.from('RED'));
    expect(link.next()).toBeNull();
    link.push(Buffer.from('X'));
    expect(link.next()).toMatchObject({ type: 'reject' });
  });

  it('ignores the minor version', () => {
    const link = new ServerLink();
    link.push(patchedHello(8, 99));
    expect(link.next()).toMatchObject({ type: 'link', message: MESS });
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])('accepts channel type %d with any id', (type) => {
    const link = new ServerLink();
    link.push(helloFor(type, 255));
    expect(link.next()).toMatchObject({ type: 'link', message: { channelType: type, channelId: 255 } });
  });

  it('accepts a client without any capability', () => {
    const link = new ServerLink();
    link.push(encodeLinkMess({ ...MESS, commonCaps: [], channelCaps: [] }));
    link.push(TICKET);
    expect(link.next()).toMatchObject({ type: 'link', authSelection: false, miniHeader: false });
    expect(link.next()).toEqual({ type: 'ticket', ciphertext: TICKET });
    expect(link.next()).toBeNull();
  });

  it('accepts the largest legal message, byte by byte', () => {
    const words = Array.from({ length: 1019 }, (_unused, index) => index);
    const hello = encodeLinkMess({ ...MESS, commonCaps: words, channelCaps: [] });
    const bytes = Buffer.concat([hello, Buffer.alloc(16 + 4096 - hello.length)]);
    bytes.writeUInt32LE(4096, 12);
    const link = new ServerLink();
    for (const byte of bytes.subarray(0, -1)) {
      link.push(Buffer.of(byte));
      expect(link.next()).toBeNull();
    }
    link.push(bytes.subarray(-1));
    expect(link.next()).toMatchObject({ type: 'link', message: { commonCaps: words } });
  });

  it.each([0, 2, 3, 0x51444552, 0xffffffff])('turns away authentication mechanism %d', (mechanism) => {
    const link = new ServerLink();
    const word = Buffer.alloc(4);
    word.writeUInt32LE(mechanism);
    link.push(Buffer.concat([HELLO, word]));
    expect(link.next()).toMatchObject({ type: 'link', authSelection: true });
    expect(link.next()).toMatchObject({ type: 'reject', reply: encodeLinkError(3) });
    expect(link.next()).toBeNull();
  });

  it('answers NEED_SECURED on a plain listener, after the checks of size and capabilities', () => {
    for (const [bytes, code] of [
      [HELLO, 5],
      [helloFor(200), 5],
      [patchedHello(12, 4097), 3],
      [patchedHello(22, 1025), 3],
      [patchedHello(4, 3), 4],
    ] as const) {
      const link = new ServerLink({ secured: false });
      link.push(bytes);
      expect(link.next()).toMatchObject({ type: 'reject', reply: encodeLinkError(code) });
    }
  });

  it('hands over what follows the ticket', () => {
    const link = new ServerLink();
    link.push(Buffer.concat([HELLO, Buffer.of(1, 0, 0, 0), TICKET, Buffer.from('abc')]));
    expect(events(link).map(({ type }) => type)).toEqual(['link', 'ticket']);
    link.push(Buffer.from('def'));
    expect(link.next()).toBeNull();
    expect(link.rest().toString()).toBe('abcdef');
  });

  it('turns away a client that floods it before it was let in', () => {
    const link = new ServerLink();
    link.push(Buffer.concat([HELLO, Buffer.of(1, 0, 0, 0), TICKET]));
    expect(events(link)).toHaveLength(2);
    for (let chunk = 0; chunk < 100; chunk += 1) {
      link.push(Buffer.alloc(65_536));
    }
    const [event, ...more] = events(link);
    expect(more).toEqual([]);
    expect(event).toMatchObject({ type: 'reject', reply: null });
    expect(event?.type === 'reject' && event.error).toBeInstanceOf(LimitExceeded);
    expect(link.rest()).toHaveLength(0);
  });

  it('keeps nothing of the buffers that it was given', () => {
    const link = new ServerLink();
    const shared = Buffer.alloc(256);
    const bytes = Buffer.concat([HELLO, Buffer.of(1, 0, 0, 0), TICKET]);
    const found: ServerLinkEvent[] = [];
    for (let offset = 0; offset < bytes.length; offset += 100) {
      const length = bytes.copy(shared, 0, offset, offset + 100);
      link.push(shared.subarray(0, length));
      shared.fill(0xee);
      found.push(...events(link));
    }
    expect(found[1]).toEqual({ type: 'ticket', ciphertext: TICKET });
  });
});
