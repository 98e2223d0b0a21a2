// SPDX-License-Identifier: Apache-2.0
// Rules of the walker, one by one; that it agrees with a simple parser on any stream is shown in fuzz.test.ts.
import { describe, expect, it } from '@jest/globals';
import { PeerMisbehaved } from '../../../../src/console/spice/errors.js';
import { MessageWalker, TLS_RECORD_BYTES } from '../../../../src/console/spice/message-walker.js';
import { CountingGate, OPEN_GATE } from '../../../fixtures/header-gate.js';
import { encodeMessage } from '../../../fixtures/spice-messages.js';

const MIB = 1 << 20;

function message(bodyBytes: number, type = 104, miniHeader = true): Buffer {
  return encodeMessage(type, Buffer.alloc(bodyBytes), { miniHeader });
}

function walk(walker: MessageWalker, bytes: Buffer): number {
  return walker.walk(bytes, bytes.length);
}

describe('MessageWalker', () => {
  it('cuts before the last of several messages that would share a record', () => {
    const [first, second, third] = [message(10), message(20), message(30)];
    const cut = walk(new MessageWalker(true, OPEN_GATE), Buffer.concat([first, second, third]));
    expect(cut).toBe(first.length + second.length);
  });

  it('does not cut what ends one message only', () => {
    const walker = new MessageWalker(true, OPEN_GATE);
    const bytes = message(100);
    expect(walk(walker, bytes)).toBe(0);
    expect(walk(walker, bytes.subarray(0, 50))).toBe(0);
    expect(walk(walker, Buffer.concat([bytes.subarray(50), bytes.subarray(0, 3)]))).toBe(0);
    expect(walk(walker, bytes.subarray(3))).toBe(0);
    expect(walker.atBoundary).toBe(true);
  });

  it('cuts between the rest of one message and the whole next one', () => {
    const walker = new MessageWalker(true, OPEN_GATE);
    const bytes = message(100);
    walk(walker, bytes.subarray(0, 60));
    expect(walk(walker, Buffer.concat([bytes.subarray(60), bytes]))).toBe(bytes.length - 60);
  });

  it('does not cut a large chunk whose last record ends one message only', () => {
    const small = message(100);
    const large = message(2 * TLS_RECORD_BYTES);
    const walker = new MessageWalker(true, OPEN_GATE);
    expect(walk(walker, Buffer.concat([small, small, large]))).toBe(0);
    expect(walk(walker, Buffer.concat([large, small, small]))).toBe(large.length + small.length);
  });

  it('asks the gate about types that are not in its table, and about nothing else', () => {
    const allowed = new Uint8Array(105);
    allowed[104] = 1;
    const strict = new MessageWalker(true, new CountingGate(allowed, MIB));
    expect(() => walk(strict, message(1))).not.toThrow();
    expect(() => walk(strict, message(1, 103))).toThrow(PeerMisbehaved);
    const gate = new CountingGate(allowed, MIB, false);
    const lenient = new MessageWalker(false, gate);
    walk(lenient, Buffer.concat([message(1, 103, false), message(1, 104, false), message(2, 60_000, false)]));
    expect(gate.asked).toEqual([
      [103, 1],
      [60_000, 2],
    ]);
  });

  it('looks into the table anew for each message', () => {
    const gate = {
      allowed: new Uint8Array(105),
      maxBodyBytes: MIB,
      judge: () => {
        throw new PeerMisbehaved('no');
      },
    };
    gate.allowed[104] = 1;
    const walker = new MessageWalker(true, gate);
    walk(walker, message(1));
    gate.allowed = new Uint8Array(105);
    expect(() => walk(walker, message(1))).toThrow(PeerMisbehaved);
  });

  it.each([1025, 0x7fffffff, 0x80000000, 0xffffffff])('asks the gate about a body of %d bytes', (size) => {
    const gate = new CountingGate(null, 1024);
    const header = message(0);
    header.writeUInt32LE(size, 2);
    expect(() => walk(new MessageWalker(true, gate), header)).toThrow(PeerMisbehaved);
    expect(gate.asked).toEqual([[104, size]]);
    expect(() => walk(new MessageWalker(true, gate), message(1024))).not.toThrow();
  });

  it.each([0, 1, 3, 6, 7, 12, 20])('can leave the stream to another one after %d bytes', (at) => {
    const bytes = Buffer.concat([message(3), message(10), message(0)]);
    const first = new MessageWalker(true, OPEN_GATE);
    first.walk(bytes, at);
    const { bodyLeft, header } = first.place();
    const second = new MessageWalker(true, OPEN_GATE);
    second.goOn(bodyLeft, header);
    walk(second, bytes.subarray(at));
    expect(second.atBoundary).toBe(true);
    expect(second.place()).toEqual({ bodyLeft: 0, header: null });
  });

  it('looks at the given length only, because the buffer is shared and holds older bytes', () => {
    const buffer = Buffer.concat([message(10), message(10)]);
    const walker = new MessageWalker(true, OPEN_GATE);
    expect(walker.walk(buffer, 16)).toBe(0);
    expect(walker.atBoundary).toBe(true);
  });
});
