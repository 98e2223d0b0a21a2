// SPDX-License-Identifier: Apache-2.0
// Messages of libvirt's RPC: recorded bytes of a real daemon, in every cut, and lengths that lie.
import { describe, expect, it } from '@jest/globals';
import {
  encodeMessage,
  MAX_MESSAGE_BYTES,
  MessageReader,
  type Message,
} from '../../../../src/sources/libvirt/message.js';
import {
  allDomains,
  connectOpenArgs,
  eventDomain,
  registerAnyArgs,
  remoteError,
  xmlDesc,
} from '../../../../src/sources/libvirt/remote.js';
import { XdrFault, XdrReader, xdrString, xdrU32 } from '../../../../src/sources/libvirt/xdr.js';

// Of libvirtd 11.3: a guest that was stopped, and the answer about one that there is not.
const EVENT = Buffer.from(
  '0000004c20008086000000010000013e000000020000000100000000000000050000000a762d6175746f706f7274000055e0ea17a6114c51a49847e3d99c0208ffffffff0000000500000001',
  'hex',
);
const NO_DOMAIN = Buffer.from(
  '0000011420008086000000010000000e0000000100000052000000010000002a0000000a000000010000005c446f6d61696e206e6f7420666f756e643a206e6f20646f6d61696e2077697468206d61746368696e672075756964202730303030303030302d303030302d303030302d303030302d3030303030303030303030302720286e6f70652900000002000000000000000100000016446f6d61696e206e6f7420666f756e643a20253124730000000000010000004a6e6f20646f6d61696e2077697468206d61746368696e672075756964202730303030303030302d303030302d303030302d303030302d3030303030303030303030302720286e6f706529000000000000ffffffffffffffff00000000',
  'hex',
);
const DOMAIN = { name: 'v-autoport', uuid: '55e0ea17-a611-4c51-a498-47e3d99c0208', id: -1 };

function only(messages: readonly Message[]): Message {
  expect(messages).toHaveLength(1);
  const [message] = messages;
  if (message === undefined) throw new Error('no message');
  return message;
}

describe('messages of libvirt', () => {
  it('are read as a real daemon writes them', () => {
    const event = only(new MessageReader().push(EVENT));
    expect(event).toMatchObject({ program: 0x20008086, procedure: 318, type: 2, serial: 1, status: 0 });
    expect(eventDomain(event.payload)).toEqual(DOMAIN);
    const answer = only(new MessageReader().push(NO_DOMAIN));
    expect(answer).toMatchObject({ procedure: 14, type: 1, serial: 0x52, status: 1 });
    expect(remoteError(answer.payload)).toEqual({
      code: 42,
      message: "Domain not found: no domain with matching uuid '00000000-0000-0000-0000-000000000000' (nope)",
    });
  });

  it('are the same however they come', () => {
    const stream = Buffer.concat([EVENT, NO_DOMAIN, EVENT]);
    for (const size of [1, 3, 27, 28, 29, 100, stream.length]) {
      const reader = new MessageReader();
      const messages: Message[] = [];
      for (let at = 0; at < stream.length; at += size)
        messages.push(...reader.push(stream.subarray(at, at + size)));
      expect(messages.map(encodeMessage)).toEqual([EVENT, NO_DOMAIN, EVENT]);
    }
  });

  it.each([0, 27, MAX_MESSAGE_BYTES + 1, 200 * 1024 * 1024, 0xffffffff])(
    'are refused by a length of %d before anything else has come',
    (length) => {
      expect(() => new MessageReader().push(xdrU32(length))).toThrow(XdrFault);
    },
  );

  it('are no answer when they are cut anywhere', () => {
    const [error, event] = [NO_DOMAIN.subarray(28), EVENT.subarray(28)];
    for (let length = 0; length < 12 + 4 + 92; length += 1)
      expect(() => remoteError(error.subarray(0, length))).toThrow(XdrFault);
    for (let length = 0; length < event.length - 8; length += 1)
      expect(() => eventDomain(event.subarray(0, length))).toThrow(XdrFault);
  });

  it('hold no list or text that is longer than they are, or than it may be', () => {
    expect(() => allDomains(xdrU32(16_384))).toThrow('a list of 16384 items, which cannot be');
    expect(() => allDomains(xdrU32(0xffffffff))).toThrow(XdrFault);
    expect(() => xmlDesc(xdrU32(0x7fffffff))).toThrow('a string of 2147483647 bytes');
    expect(() => new XdrReader(xdrU32(2)).present()).toThrow('2 in place of 0 or 1');
    expect(xmlDesc(xdrString('ü'))).toBe('ü');
  });

  it('ask as virsh does', () => {
    expect(connectOpenArgs('qemu:///system', true).toString('hex')).toBe(
      '000000010000000e71656d753a2f2f2f73797374656d000000000001',
    );
    const call = { program: 0x20008086, procedure: 316, type: 0, serial: 3, status: 0 };
    expect(encodeMessage({ ...call, payload: registerAnyArgs(0) }).toString('hex')).toBe(
      '0000002420008086000000010000013c0000000000000003000000000000000000000000',
    );
  });
});
