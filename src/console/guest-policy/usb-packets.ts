// SPDX-License-Identifier: Apache-2.0
// The packets of usbredir in one direction of a usbredir channel, however its messages cut them. Those that are judged are held
// until they are whole; all others go by. Layouts: usbredirproto.h.
import { PeerMisbehaved } from '../spice/errors.js';

/** Types of packets [usbredirproto.h `usb_redir_*`]. */
export const USB_PACKET = {
  HELLO: 0,
  DEVICE_CONNECT: 1,
  DEVICE_DISCONNECT: 2,
  INTERFACE_INFO: 4,
  EP_INFO: 5,
  FILTER_REJECT: 22,
  FILTER_FILTER: 23,
} as const;

/** `usb_redir_cap_*`, bit numbers. */
export const USB_CAP = { FILTER: 2, IDS_64_BITS: 5 } as const;

const NOTHING = Buffer.alloc(0);
/** u32 type, u32 length, and an id of 32 or 64 bits. */
const SHORT_HEADER_BYTES = 12;
const LONG_HEADER_BYTES = 16;
/** A version of 64 bytes, then capability words. */
const VERSION_BYTES = 64;
const MAX_CAP_WORDS = 16;

/** Least and most bytes of the data of packets that are held. */
const HELD: Readonly<Record<number, readonly [number, number]>> = {
  [USB_PACKET.HELLO]: [VERSION_BYTES, VERSION_BYTES + 4 * MAX_CAP_WORDS],
  // u8 speed, class, subclass, protocol, u16 vendor, product, and with a capability u16 version.
  [USB_PACKET.DEVICE_CONNECT]: [8, 10],
  // u32 count, then four tables of 32 bytes: numbers, classes, subclasses, protocols.
  [USB_PACKET.INTERFACE_INFO]: [132, 132],
};

/** Decides about packets. */
export interface PacketJudge {
  /** A header is there: whether the packet goes by; not asked for those that are held. */
  passes(type: number): boolean;
  /** A held packet is whole: what goes on in its place; null: nothing. */
  judge(type: number, data: Buffer, packet: Buffer): Buffer | null;
}

/** Follows one direction. */
export class UsbPackets {
  private longIds = false;
  private greeted = false;
  private header = NOTHING;
  /** A held packet under way; null: none. */
  private held: Buffer | null = null;
  private type = 0;
  /** Bytes of the packet under way that have not come. */
  private left = 0;
  private passing = false;

  constructor(private readonly judge: PacketJudge) {}

  /** Whether a packet passes whose end has not come: nothing may be put in. */
  get midPacket(): boolean {
    return this.left > 0 && this.held === null && this.passing;
  }

  /** From the next packet on ids have 64 bits. */
  useLongIds(): void {
    this.longIds = true;
  }

  /** A packet without data and with the id 0. */
  empty(type: number): Buffer {
    const bytes = Buffer.alloc(this.longIds ? LONG_HEADER_BYTES : SHORT_HEADER_BYTES);
    bytes.writeUInt32LE(type, 0);
    return bytes;
  }

  /** Takes bytes; gives those that go on, which are the same object when all do. @throws PeerMisbehaved */
  take(bytes: Buffer): Buffer {
    const out: Buffer[] = [];
    let at = 0;
    while (at < bytes.length) at = this.left > 0 ? this.go(bytes, at, out) : this.begin(bytes, at, out);
    const whole = Buffer.concat(out);
    return whole.equals(bytes) ? bytes : whole;
  }

  private begin(bytes: Buffer, from: number, out: Buffer[]): number {
    const wanted = this.longIds ? LONG_HEADER_BYTES : SHORT_HEADER_BYTES;
    const part = bytes.subarray(from, from + wanted - this.header.length);
    this.header = Buffer.concat([this.header, part]);
    const to = from + part.length;
    if (this.header.length < wanted) return to;
    const header = this.header;
    this.header = NOTHING;
    this.type = header.readUInt32LE(0);
    this.left = header.readUInt32LE(4);
    if (this.greeted === (this.type === USB_PACKET.HELLO))
      throw new PeerMisbehaved(`usbredir packet ${this.type} is not expected`);
    this.greeted = true;
    const range = HELD[this.type];
    if (range === undefined) {
      this.passing = this.judge.passes(this.type);
      if (this.passing) out.push(header);
      return to;
    }
    const [least, most] = range;
    if (this.left < least || this.left > most)
      throw new PeerMisbehaved(`usbredir packet ${this.type} has ${this.left} bytes`);
    this.held = header;
    return to;
  }

  private go(bytes: Buffer, from: number, out: Buffer[]): number {
    const part = bytes.subarray(from, from + this.left);
    this.left -= part.length;
    if (this.held === null) {
      if (this.passing) out.push(part);
      return from + part.length;
    }
    this.held = Buffer.concat([this.held, part]);
    if (this.left === 0) {
      const { held } = this;
      this.held = null;
      const headerBytes = this.longIds ? LONG_HEADER_BYTES : SHORT_HEADER_BYTES;
      const packet = this.judge.judge(this.type, held.subarray(headerBytes), held);
      if (packet !== null) out.push(packet);
    }
    return from + part.length;
  }
}

/** The capability words of a hello. @param data of the packet */
export function helloCaps(data: Buffer): number[] {
  const count = Math.floor((data.length - VERSION_BYTES) / 4);
  return Array.from({ length: count }, (_unused, index) => data.readUInt32LE(VERSION_BYTES + 4 * index));
}
