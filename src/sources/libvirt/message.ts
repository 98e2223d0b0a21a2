// SPDX-License-Identifier: Apache-2.0
// The messages of libvirt's RPC (virnetprotocol.x): a length word, which counts itself, a header of six words, and the payload.
// Pure: bytes in, messages out. A message is refused by its length word, before its bytes are kept.
import { XdrFault, XdrReader, xdrI32, xdrU32 } from './xdr.js';

/** REMOTE_PROGRAM of remote_protocol.x, and KEEPALIVE_PROGRAM of virkeepaliveprotocol.x. */
export const PROGRAM = { remote: 0x20008086, keepalive: 0x6b656570 } as const;

/** virNetMessageType. */
export const TYPE = { call: 0, reply: 1, message: 2 } as const;

/** virNetMessageStatus. */
export const STATUS = { ok: 0, error: 1, continue: 2 } as const;

/** KEEPALIVE_PROC_PING and KEEPALIVE_PROC_PONG of virkeepaliveprotocol.x. */
export const KEEPALIVE = { ping: 1, pong: 2 } as const;

/** One message. */
export interface Message {
  readonly program: number;
  readonly procedure: number;
  readonly type: number;
  /** Of a reply: that of its call. Of an event: any. */
  readonly serial: number;
  readonly status: number;
  readonly payload: Buffer;
}

/**
 * Most bytes of a message that is read. libvirt's own bound is 32 MiB (VIR_NET_MESSAGE_MAX); the longest answer here, a list of
 * 16,384 guests with long names, has less than two.
 */
export const MAX_MESSAGE_BYTES = 8 * 1024 * 1024;

const VERSION = 1;
const LENGTH_BYTES = 4;
const HEADER_BYTES = LENGTH_BYTES + 6 * 4;

/** The bytes of a message. */
export function encodeMessage({ program, procedure, type, serial, status, payload }: Message): Buffer {
  const head = [program, VERSION, procedure].map(xdrU32);
  const kind = [xdrI32(type), xdrU32(serial), xdrI32(status)];
  return Buffer.concat([xdrU32(HEADER_BYTES + payload.length), ...head, ...kind, payload]);
}

/** Puts messages together from the chunks that a stream comes in. */
export class MessageReader {
  private chunks: Buffer[] = [];
  private size = 0;
  /** Bytes of the message that is coming; null: its length has not come yet. */
  private wanted: number | null = null;

  /** The messages that are complete with this chunk. @throws XdrFault; nothing can be read afterwards */
  push(chunk: Buffer): Message[] {
    this.chunks.push(chunk);
    this.size += chunk.length;
    const messages: Message[] = [];
    for (let bytes = this.next(); bytes !== null; bytes = this.next()) messages.push(decode(bytes));
    return messages;
  }

  private next(): Buffer | null {
    if (this.wanted === null) {
      if (this.size < LENGTH_BYTES) return null;
      this.wanted = lengthOf(this.joined());
    }
    if (this.size < this.wanted) return null;
    const bytes = this.joined();
    const message = bytes.subarray(0, this.wanted);
    const rest = bytes.subarray(this.wanted);
    this.chunks = rest.length === 0 ? [] : [rest];
    this.size = rest.length;
    this.wanted = null;
    return message;
  }

  private joined(): Buffer {
    const [first] = this.chunks;
    if (first !== undefined && this.chunks.length === 1) return first;
    const bytes = Buffer.concat(this.chunks);
    this.chunks = [bytes];
    return bytes;
  }
}

function lengthOf(bytes: Buffer): number {
  const length = bytes.readUInt32BE(0);
  if (length < HEADER_BYTES || length > MAX_MESSAGE_BYTES)
    throw new XdrFault(`a message of ${String(length)} bytes, which cannot be`);
  return length;
}

function decode(bytes: Buffer): Message {
  const reader = new XdrReader(bytes.subarray(LENGTH_BYTES));
  const program = reader.u32();
  const version = reader.u32();
  if (version !== VERSION) throw new XdrFault(`version ${String(version)} of its protocol`);
  const procedure = reader.u32();
  const type = reader.i32();
  const serial = reader.u32();
  const status = reader.i32();
  return { program, procedure, type, serial, status, payload: bytes.subarray(HEADER_BYTES) };
}
