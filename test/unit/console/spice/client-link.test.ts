// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { ClientLink } from '../../../../src/console/spice/client-link.js';
import {
  InvalidMessage,
  LimitExceeded,
  PeerIncompatible,
  PeerMisbehaved,
} from '../../../../src/console/spice/errors.js';
import {
  encodeLinkError,
  encodeLinkReply,
  encodeLinkResult,
} from '../../../../src/console/spice/link-message.js';

const MESS = { connectionId: 77, channelType: 2, channelId: 0, commonCaps: [0x9], channelCaps: [] };
const REPLY = { publicKey: Buffer.alloc(162, 0x5a), commonCaps: [0xb], channelCaps: [0xf] };
const BYTES = encodeLinkReply(REPLY);

function patched(offset: number, value: number): Buffer {
  const bytes = Buffer.from(BYTES);
  bytes.writeUInt32LE(value, offset);
  return bytes;
}

describe('ClientLink', () => {
  it.each([
    ['another magic', Buffer.from('HTTP'), InvalidMessage],
    ['major version 1', patched(4, 1), PeerIncompatible],
    ['major version 0', patched(4, 0), PeerIncompatible],
    ['size 177', patched(12, 177), InvalidMessage],
    ['size 4097', patched(12, 4097), LimitExceeded],
    ['size 4294967295', patched(12, 0xffffffff), LimitExceeded],
    ['too many words', patched(16 + 166, 1025), LimitExceeded],
    ['words that do not fit', patched(16 + 166, 2), InvalidMessage],
    ['words inside of the struct', patched(16 + 174, 4), InvalidMessage],
    ['SASL only', encodeLinkReply({ ...REPLY, commonCaps: [0x5] }), PeerIncompatible],
    ['no ticket key', encodeLinkReply({ ...REPLY, publicKey: Buffer.alloc(162) }), PeerIncompatible],
    ['a link error instead of the result', Buffer.concat([BYTES, encodeLinkError(3)]), PeerMisbehaved],
  ])('does not go on with a server that sends %s', (_title, bytes, errorClass) => {
    const link = new ClientLink(MESS);
    link.push(bytes);
    const drain = () => {
      while (link.next() !== null);
    };
    expect(drain).toThrow(errorClass);
    expect(link.next()).toBeNull();
  });

  it.each([
    ['AUTH_SELECTION and MINI_HEADER', [0xb], true, true],
    ['no AUTH_SELECTION', [0xa], false, true],
    ['no MINI_HEADER', [0x3], true, false],
    ['nothing', [], false, false],
  ])('tells what a server shows that has %s', (_title, commonCaps, authSelection, miniHeader) => {
    const link = new ClientLink(MESS);
    link.push(encodeLinkReply({ ...REPLY, commonCaps }));
    expect(link.next()).toEqual({ type: 'reply', ...REPLY, commonCaps, authSelection, miniHeader });
    expect(link.next()).toBeNull();
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 0xffffffff])('tells the code %d of a refusal', (code) => {
    const link = new ClientLink(MESS);
    link.push(encodeLinkError(code));
    expect(link.next()).toEqual({ type: 'error', code });
    expect(link.next()).toBeNull();
  });

  it.each([0, 7, 8, 9, 0xffffffff])('tells the result %d and hands over what follows', (code) => {
    const link = new ClientLink(MESS);
    link.push(BYTES);
    expect(link.next()).toMatchObject({ type: 'reply' });
    link.push(Buffer.concat([encodeLinkResult(code), Buffer.from('first message')]));
    expect(link.next()).toEqual({ type: 'result', code });
    expect(link.next()).toBeNull();
    expect(link.rest().toString()).toBe('first message');
    expect(link.rest()).toHaveLength(0);
  });

  it('ignores the minor version', () => {
    const link = new ClientLink(MESS);
    link.push(patched(8, 99));
    expect(link.next()).toMatchObject({ type: 'reply' });
  });

  it('stops a server that floods it', () => {
    const link = new ClientLink(MESS);
    const flood = () => {
      for (let chunk = 0; chunk < 100; chunk += 1) {
        link.push(Buffer.alloc(65_536));
      }
    };
    expect(flood).toThrow(LimitExceeded);
  });

  it('keeps nothing of the buffers that it was given', () => {
    const link = new ClientLink(MESS);
    const shared = Buffer.from(BYTES);
    link.push(shared);
    const event = link.next();
    shared.fill(0);
    expect(event).toMatchObject({ publicKey: REPLY.publicKey });
  });
});
