// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { InvalidMessage } from '../../../../src/console/spice/errors.js';
import { Reader } from '../../../../src/console/spice/reader.js';

const BYTES = Buffer.from('01020304050607080910111213141516', 'hex');

describe('Reader', () => {
  it('reads little-endian fields in order', () => {
    const reader = new Reader(BYTES);
    expect(reader.u8('a')).toBe(0x01);
    expect(reader.u16('b')).toBe(0x0302);
    expect(reader.u32('c')).toBe(0x07060504);
    expect(reader.u64('d')).toBe(0x1514131211100908n);
    expect(reader.offset).toBe(15);
    expect(reader.remaining).toBe(1);
    expect(reader.take('e', 1)).toEqual(Buffer.of(0x16));
    expect(reader.take('f', 0)).toHaveLength(0);
  });

  it('names the field that the bytes are too short for, and does not move', () => {
    const reader = new Reader(BYTES.subarray(0, 7));
    reader.u32('first');
    const cases: [string, () => unknown][] = [
      ['u32', () => reader.u32('u32')],
      ['u64', () => reader.u64('u64')],
      ['take', () => reader.take('take', 4)],
    ];
    for (const [field, read] of cases) {
      expect(read).toThrow(InvalidMessage);
      expect(read).toThrow(expect.objectContaining({ field, offset: 4 }));
    }
    expect(reader.u16('u16')).toBe(0x0605);
    expect(() => reader.u16('u16')).toThrow('u16 at byte 6: needs 2 bytes, 1 are left');
    expect(reader.u8('u8')).toBe(0x07);
    expect(() => reader.u8('u8')).toThrow(InvalidMessage);
  });

  it('follows pointers inside of the bytes only', () => {
    const reader = new Reader(BYTES);
    reader.seek('pointer', 15);
    expect(reader.u8('last')).toBe(0x16);
    reader.seek('pointer', 16);
    expect(reader.remaining).toBe(0);
    expect(() => reader.seek('pointer', 17)).toThrow(InvalidMessage);
    expect(() => reader.seek('pointer', -1)).toThrow(InvalidMessage);
  });
});
