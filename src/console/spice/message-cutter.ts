// SPDX-License-Identifier: Apache-2.0
// Cuts one direction of a channel into messages for somebody who looks on: the head of each, then its body in the pieces that
// it came in. Nothing is kept but a header that is cut. Layouts: spice/protocol.h SpiceMiniDataHeader, SpiceDataHeader.
import { FULL_HEADER_BYTES, MINI_HEADER_BYTES } from './message-walker.js';

/** What is told of a message. */
export interface CutterSink {
  /** A message begins. @param subList offset of messages within its body; 0: there are none */
  begin(type: number, size: number, subList: number): void;
  /** Bytes of its body: a view, good until the call returns. @param last whether they are the last ones */
  piece(bytes: Buffer, last: boolean): void;
}

/** Follows one direction. */
export class MessageCutter {
  private readonly header: Buffer;
  private have = 0;
  private left = 0;

  constructor(
    private readonly miniHeader: boolean,
    private readonly sink: CutterSink,
  ) {
    this.header = Buffer.alloc(miniHeader ? MINI_HEADER_BYTES : FULL_HEADER_BYTES);
  }

  /** Takes bytes. */
  push(bytes: Buffer): void {
    for (let at = 0; at < bytes.length;) at += this.left > 0 ? this.body(bytes, at) : this.head(bytes, at);
  }

  private head(bytes: Buffer, at: number): number {
    const taken = bytes.copy(this.header, this.have, at);
    this.have += taken;
    if (this.have < this.header.length) return taken;
    this.have = 0;
    const offset = this.miniHeader ? 0 : 8;
    this.left = this.header.readUInt32LE(offset + 2);
    const subList = this.miniHeader ? 0 : this.header.readUInt32LE(14);
    this.sink.begin(this.header.readUInt16LE(offset), this.left, subList);
    return taken;
  }

  private body(bytes: Buffer, at: number): number {
    const taken = Math.min(this.left, bytes.length - at);
    this.left -= taken;
    this.sink.piece(bytes.subarray(at, at + taken), this.left === 0);
    return taken;
  }
}
