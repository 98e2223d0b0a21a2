// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { Writer } from '../../../../src/console/spice/writer.js';

describe('Writer', () => {
  it('writes little-endian fields in order', () => {
    const bytes = new Writer(17)
      .u8(0x01)
      .u16(0x0302)
      .u32(0x07060504)
      .u64(0x1514131211100908n)
      .raw(Buffer.of(0x16, 0x17))
      .finish();
    expect(bytes.toString('hex')).toBe('0102030405060708091011121314151617');
  });

  it.each<[string, (writer: Writer) => unknown]>([
    ['a value that does not fit', (writer) => writer.u8(256)],
    ['a negative value', (writer) => writer.u16(-1)],
    ['a field past the end', (writer) => writer.u64(1n)],
    ['bytes past the end', (writer) => writer.raw(Buffer.alloc(5))],
    ['an incomplete struct', (writer) => writer.u16(1).finish()],
    ['a number past the end', (writer) => writer.u32(1).u32(1)],
  ])('refuses %s', (_title, write) => {
    expect(() => write(new Writer(4))).toThrow(expect.objectContaining({ name: 'RangeError' }));
  });
});
