// SPDX-License-Identifier: Apache-2.0
// What a relay worker sends its parent of the channels that are recorded or inspected: frames on a pipe of their own, the
// bytes of the channels as they are, no JSON but the facts of a channel at its beginning.
//   u32 length of the payload   u8 kind   u8 direction (1: client to guest)   u16 0   u32 channel   f64 epoch milliseconds
import { LimitExceeded } from './spice/errors.js';

/** The pipe's file descriptor in a relay worker: behind standard input, output, error and the messages of ipc.ts. */
export const TAP_DESCRIPTOR = 4;
const HEADER_BYTES = 20;
/** Bytes of a payload at most: more than what is read of a leg at once, or the largest message. */
const PAYLOAD_MAX_BYTES = 2 ** 31 - 1;

const KIND = { open: 1, data: 2, close: 3, lost: 4 } as const;

/** The facts of a channel. */
export interface TappedChannel {
  readonly connectionRef: string;
  readonly channelType: number;
  readonly channelId: number;
  readonly miniHeader: boolean;
  readonly clientCaps: readonly number[];
  readonly backendCaps: readonly number[];
}

interface OfChannel {
  /** The channel's number in its worker. */
  readonly channel: number;
  /** Epoch milliseconds. */
  readonly time: number;
}

/** What is told of a channel. */
export type TapFrame = OfChannel &
  (
    | { readonly kind: 'open'; readonly facts: TappedChannel }
    | { readonly kind: 'data'; readonly up: boolean; readonly bytes: Buffer }
    | { readonly kind: 'close' }
    /** From here on nothing is told: the parent did not take what was there. */
    | { readonly kind: 'lost' }
  );

const header = Buffer.alloc(HEADER_BYTES);
const EMPTY = Buffer.alloc(0);

/** Writes a frame. @param append copies what it is given @returns its bytes */
export function writeTapFrame(frame: TapFrame, append: (bytes: Buffer) => void): number {
  const payload = payloadOf(frame);
  header.writeUInt32LE(payload.length, 0);
  header.writeUInt8(KIND[frame.kind], 4);
  header.writeUInt8(frame.kind === 'data' && frame.up ? 1 : 0, 5);
  header.writeUInt16LE(0, 6);
  header.writeUInt32LE(frame.channel, 8);
  header.writeDoubleLE(frame.time, 12);
  append(header);
  append(payload);
  return HEADER_BYTES + payload.length;
}

function payloadOf(frame: TapFrame): Buffer {
  switch (frame.kind) {
    case 'open':
      return Buffer.from(JSON.stringify(frame.facts));
    case 'data':
      return frame.bytes;
    case 'close':
    case 'lost':
      return EMPTY;
  }
}

/** Reads frames: those of data in the pieces that come, so that nothing is gathered. */
export class TapFrameReader {
  private readonly header = Buffer.alloc(HEADER_BYTES);
  private have = 0;
  private left = 0;
  /** The facts of a channel, as far as they have come. */
  private facts: Buffer[] = [];

  constructor(private readonly take: (frame: TapFrame) => void) {}

  /** Takes bytes of the pipe. @throws LimitExceeded when they are no frames */
  push(bytes: Buffer): void {
    for (let at = 0; at < bytes.length;) at += this.left > 0 ? this.payload(bytes, at) : this.head(bytes, at);
  }

  private head(bytes: Buffer, at: number): number {
    const taken = bytes.copy(this.header, this.have, at);
    this.have += taken;
    if (this.have < HEADER_BYTES) return taken;
    this.have = 0;
    this.left = this.header.readUInt32LE(0);
    if (this.left > PAYLOAD_MAX_BYTES) throw new LimitExceeded('tap frame', PAYLOAD_MAX_BYTES, this.left);
    if (this.left === 0) this.empty();
    return taken;
  }

  private get of(): OfChannel {
    return { channel: this.header.readUInt32LE(8), time: this.header.readDoubleLE(12) };
  }

  private empty(): void {
    const kind = this.header.readUInt8(4);
    if (kind === KIND.close) this.take({ ...this.of, kind: 'close' });
    else if (kind === KIND.lost) this.take({ ...this.of, kind: 'lost' });
  }

  private payload(bytes: Buffer, at: number): number {
    const taken = Math.min(this.left, bytes.length - at);
    this.left -= taken;
    const piece = bytes.subarray(at, at + taken);
    if (this.header.readUInt8(4) === KIND.open) this.open(piece);
    else this.take({ ...this.of, kind: 'data', up: this.header.readUInt8(5) === 1, bytes: piece });
    return taken;
  }

  private open(piece: Buffer): void {
    this.facts.push(piece);
    if (this.left > 0) return;
    const facts = JSON.parse(Buffer.concat(this.facts).toString('utf8')) as TappedChannel;
    this.facts = [];
    this.take({ ...this.of, kind: 'open', facts });
  }
}
