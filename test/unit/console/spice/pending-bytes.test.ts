// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { LINK_PENDING_MAX } from '../../../../src/console/spice/constants.js';
import { LimitExceeded } from '../../../../src/console/spice/errors.js';
import { PendingBytes } from '../../../../src/console/spice/pending-bytes.js';

describe('PendingBytes', () => {
  it('gives bytes back in order, and nothing before they are complete', () => {
    const pending = new PendingBytes();
    pending.append(Buffer.from('ab'));
    expect(pending.peek(3)).toBeNull();
    expect(pending.take(3)).toBeNull();
    pending.append(Buffer.from('cde'));
    expect(pending.peek(3)?.toString()).toBe('abc');
    expect(pending.take(3)?.toString()).toBe('abc');
    expect(pending.length).toBe(2);
    expect(pending.takeAll().toString()).toBe('de');
    expect(pending.takeAll()).toHaveLength(0);
  });

  it('keeps a copy, because the next read overwrites the chunk', () => {
    const pending = new PendingBytes();
    const chunk = Buffer.from('abc');
    pending.append(chunk);
    chunk.fill(0);
    expect(pending.takeAll().toString()).toBe('abc');
  });

  it('takes one chunk of any size, and no more once the limit is passed', () => {
    const pending = new PendingBytes();
    pending.append(Buffer.alloc(LINK_PENDING_MAX));
    pending.append(Buffer.alloc(131_072));
    expect(() => pending.append(Buffer.alloc(1))).toThrow(LimitExceeded);
    expect(pending.length).toBe(LINK_PENDING_MAX + 131_072);
  });
});
