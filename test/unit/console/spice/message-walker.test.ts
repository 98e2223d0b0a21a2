// SPDX-License-Identifier: Apache-2.0
// Rules of the walker, one by one; that it agrees with a simple parser on any stream is shown in fuzz.test.ts.
import { describe, expect, it } from '@jest/globals';
import { LimitExceeded, PeerMisbehaved } from '../../../../src/console/spice/errors.js';
import { MessageWalker, TLS_RECORD_BYTES } from '../../../../src/console/spice/message-walker.js';
import { encodeMessage } from '../../../fixtures/spice-messages.js';

const OPEN = { allowed: null, maxBodyBytes: 1 << 20, enforce: true };

function message(bodyBytes: number, type = 104, miniHeader = true): Buffer {
  return encodeMessage(type, Buffer.alloc(bodyBytes), { miniHeader });
}

function walk(walker: MessageWalker, bytes: Buffer): number {
  return walker.walk(bytes, bytes.length);
}

describe('MessageWalker', () => {
  it('cuts before the last of several messages that would share a record', () => {
    const [first, second, third] = [message(10), message(20), message(30)];
    const cut = walk(new MessageWalker(true, OPEN), Buffer.concat([first, second, third]));
    expect(cut).toBe(first.length + second.length);
  });

  it('does not cut what ends one message only', () => {
    const walker = new MessageWalker(true, OPEN);
    const bytes = message(100);
    expect(walk(walker, bytes)).toBe(0);
    expect(walk(walker, bytes.subarray(0, 50))).toBe(0);
    expect(walk(walker, Buffer.concat([bytes.subarray(50), bytes.subarray(0, 3)]))).toBe(0);
    expect(walk(walker, bytes.subarray(3))).toBe(0);
    expect(walker.atBoundary).toBe(true);
  });

  it('cuts between the rest of one message and the whole next one', () => {
    const walker = new MessageWalker(true, OPEN);
    const bytes = message(100);
    walk(walker, bytes.subarray(0, 60));
    expect(walk(walker, Buffer.concat([bytes.subarray(60), bytes]))).toBe(bytes.length - 60);
  });

  it('does not cut a large chunk whose last record ends one message only', () => {
    const small = message(100);
    const large = message(2 * TLS_RECORD_BYTES);
    const walker = new MessageWalker(true, OPEN);
    expect(walk(walker, Buffer.concat([small, small, large]))).toBe(0);
    expect(walk(walker, Buffer.concat([large, small, small]))).toBe(large.length + small.length);
  });

  it('counts forbidden types, and ends the channel when the policy is enforced', () => {
    const allowed = new Uint8Array(105);
    allowed[104] = 1;
    const strict = new MessageWalker(true, { ...OPEN, allowed });
    expect(() => walk(strict, message(1))).not.toThrow();
    expect(() => walk(strict, message(1, 103))).toThrow(PeerMisbehaved);
    const lenient = new MessageWalker(false, { ...OPEN, allowed, enforce: false });
    walk(lenient, Buffer.concat([message(1, 103, false), message(1, 104, false), message(1, 60_000, false)]));
    expect(lenient.verdicts).toEqual(new Map([['disallowed_type', 2]]));
  });

  it.each([1025, 0x7fffffff, 0x80000000, 0xffffffff])(
    'always ends the channel at a body of %d bytes',
    (size) => {
      const walker = new MessageWalker(true, { ...OPEN, maxBodyBytes: 1024, enforce: false });
      const header = message(0);
      header.writeUInt32LE(size, 2);
      expect(() => walk(walker, header)).toThrow(LimitExceeded);
      expect(() =>
        walk(new MessageWalker(true, { ...OPEN, maxBodyBytes: 1024 }), message(1024)),
      ).not.toThrow();
      expect(walker.verdicts).toEqual(new Map([['size_cap', 1]]));
    },
  );

  it('looks at the given length only, because the buffer is shared and holds older bytes', () => {
    const buffer = Buffer.concat([message(10), message(10)]);
    const walker = new MessageWalker(true, OPEN);
    expect(walker.walk(buffer, 16)).toBe(0);
    expect(walker.atBoundary).toBe(true);
  });
});
