// SPDX-License-Identifier: Apache-2.0
// What a client sends on a linked channel, message by message, for a server that needs little of it: bodies of named types
// are kept up to a bound, all others are passed over as they stream by.
import { LimitExceeded } from './errors.js';
import { FULL_HEADER_BYTES, MINI_HEADER_BYTES } from './message-walker.js';

/** The largest body of a message, kept or not, in bytes: more than spice-server takes of any client. */
const MAX_BODY_BYTES = 1024 * 1024;

/** One message; the body is empty where its type is not kept. */
export interface ClientMessage {
  readonly type: number;
  readonly body: Buffer;
}

/** Which bodies are kept. */
export interface KeptBodies {
  readonly types: ReadonlySet<number>;
  readonly maxBytes: number;
}

/** Where another reader has left the bytes of a client. */
export interface Unread {
  /** Bytes of the message under way that have not come: they are passed over. */
  readonly bodyLeft: number;
  /** What follows them, as far as it has come. */
  readonly bytes: Buffer;
}

const NO_BODY = Buffer.alloc(0);

/** Cuts the bytes of one client into messages. */
export class ClientMessages {
  private readonly header: Buffer;
  private have = 0;
  private type = 0;
  /** Bytes of the body that have not come; -1: the header is not whole. */
  private left = -1;
  private kept: Buffer[] | null = null;

  /** Bytes of a message whose beginning somebody else has read. */
  private passed: number;

  /**
   * @param miniHeader 6-byte headers, else 18-byte ones
   * @param bodyLeft see {@link Unread.bodyLeft}
   */
  constructor(
    private readonly miniHeader: boolean,
    private readonly keep: KeptBodies,
    bodyLeft = 0,
  ) {
    this.header = Buffer.alloc(miniHeader ? MINI_HEADER_BYTES : FULL_HEADER_BYTES);
    this.passed = bodyLeft;
  }

  /**
   * Takes bytes; gives the messages that they complete.
   *
   * @throws LimitExceeded for a body that is too large
   */
  push(chunk: Buffer): ClientMessage[] {
    const messages: ClientMessage[] = [];
    const passed = Math.min(this.passed, chunk.length);
    this.passed -= passed;
    for (let offset = passed; offset < chunk.length || this.left === 0;) {
      if (this.left === 0) messages.push(this.finish());
      else if (this.left < 0) offset += this.readHeader(chunk, offset);
      else offset += this.readBody(chunk, offset);
    }
    return messages;
  }

  private readHeader(chunk: Buffer, offset: number): number {
    const taken = chunk.copy(this.header, this.have, offset);
    this.have += taken;
    if (this.have < this.header.length) return taken;
    this.have = 0;
    this.type = this.header.readUInt16LE(this.miniHeader ? 0 : 8);
    this.left = this.header.readUInt32LE(this.miniHeader ? 2 : 10);
    const kept = this.keep.types.has(this.type);
    const limit = kept ? this.keep.maxBytes : MAX_BODY_BYTES;
    if (this.left > limit)
      throw new LimitExceeded(`size of a message of type ${this.type}`, limit, this.left);
    this.kept = kept ? [] : null;
    return taken;
  }

  private readBody(chunk: Buffer, offset: number): number {
    const taken = Math.min(this.left, chunk.length - offset);
    this.left -= taken;
    this.kept?.push(Buffer.from(chunk.subarray(offset, offset + taken)));
    return taken;
  }

  private finish(): ClientMessage {
    const { type, kept } = this;
    this.left = -1;
    this.kept = null;
    return { type, body: kept === null ? NO_BODY : Buffer.concat(kept) };
  }
}
