// SPDX-License-Identifier: Apache-2.0
// The header of a message that Kerbside sends itself. Mini header: u16 type, u32 size. Full header: u64 serial, u16 type,
// u32 size, u32 sub_list, the offset of a list of messages within the body, 0: none [spice/protocol.h SpiceMiniDataHeader,
// SpiceDataHeader].
import { FULL_HEADER_BYTES, MINI_HEADER_BYTES } from './message-walker.js';
import { Writer } from './writer.js';

/** What a header says. */
export interface HeaderFacts {
  readonly type: number;
  /** Bytes of the body. */
  readonly size: number;
  /** A mini header has none. */
  readonly serial: bigint;
  /** A mini header has none. */
  readonly subList?: number;
}

/** The header of a message. @param miniHeader 6 bytes, else 18 */
export function messageHeader(miniHeader: boolean, { type, size, serial, subList = 0 }: HeaderFacts): Buffer {
  return miniHeader
    ? new Writer(MINI_HEADER_BYTES).u16(type).u32(size).finish()
    : new Writer(FULL_HEADER_BYTES).u64(serial).u16(type).u32(size).u32(subList).finish();
}
