// SPDX-License-Identifier: Apache-2.0
// The devices on a usbredir channel: of one that no rule allows the guest learns nothing, and the client is told that it was
// rejected, as a guest's own filter tells it. Without a list nothing is looked at.
import { ruleOf } from '../guest-channels.js';
import type { SessionSettings } from '../ipc.js';
import {
  DROP,
  PASS,
  replace,
  type Answer,
  type Direction,
  type Interest,
  type Message,
  type Stage,
  type StagePorts,
} from '../relay/stage.js';
import { hasCap } from '../spice/capabilities.js';
import { LimitExceeded, PeerMisbehaved } from '../spice/errors.js';
import { decompressBlock } from '../spice/lz4-block.js';
import { CLIENT_MESSAGE } from '../spice/message-types.js';
import type { DropCounts } from './drop-counts.js';
import { helloCaps, USB_CAP, USB_PACKET, UsbPackets } from './usb-packets.js';
import { UsbRules, type UsbDevice } from './usb-rules.js';

const { DATA, COMPRESSED_DATA } = CLIENT_MESSAGE.usbredir;
const TYPES: ReadonlySet<number> = new Set([DATA, COMPRESSED_DATA]);
/** u8 compression; where it is LZ4, u32 size before it. */
const LZ4 = 1;
const LZ4_START_BYTES = 5;
const MAX_INTERFACES = 32;
const CLASSES_OFFSET = 4 + MAX_INTERFACES;
/** What a client may send while no device of it is passed. */
const WITHOUT_DEVICE: ReadonlySet<number> = new Set([
  ...[USB_PACKET.DEVICE_DISCONNECT, USB_PACKET.EP_INFO, USB_PACKET.FILTER_FILTER],
]);

/** Keeps devices from the guest. */
export class UsbFilter implements Stage {
  readonly name = 'guest-policy-usb';
  private ports: StagePorts | null = null;
  /** null: every device may pass. */
  private rules: UsbRules | null;
  /** Packets are followed since the first byte: they go on to be, for nobody else could begin in the middle. */
  private follows: boolean;
  private readonly packets: Readonly<Record<Direction, UsbPackets>>;
  private readonly caps: Record<Direction, readonly number[] | null> = { up: null, down: null };
  private interfaces: readonly number[] = [];
  /** The device that the guest has been told of; null: none. */
  private device: UsbDevice | null = null;
  /** The client is to be told that its device was rejected. */
  private rejected = false;

  /** @param maxMessageSize bytes of the largest body, and of what a compressed one becomes */
  constructor(
    { guestPolicy }: SessionSettings,
    private readonly drops: DropCounts,
    private readonly maxMessageSize: number,
  ) {
    this.rules = UsbRules.of(guestPolicy);
    this.follows = this.rules !== null;
    this.packets = {
      up: new UsbPackets({
        passes: (type) => this.fromClient(type),
        judge: (type, data, packet) => this.judgeClient(type, data, packet),
      }),
      down: new UsbPackets({
        passes: () => true,
        judge: (type, data, packet) => {
          if (type === USB_PACKET.HELLO) this.greeted('down', data);
          return packet;
        },
      }),
    };
  }

  get up(): Interest {
    return this.interest;
  }

  get down(): Interest {
    return this.interest;
  }

  private get interest(): Interest {
    return !this.follows ? {} : { bodies: { types: TYPES, maxBodyBytes: this.maxMessageSize } };
  }

  start(ports: StagePorts): void {
    this.ports = ports;
  }

  /** @throws PeerMisbehaved, LimitExceeded */
  onMessage(direction: Direction, { type, body }: Message): Answer {
    const bytes = type === DATA ? body : this.decompressed(body);
    const left = this.packets[direction].take(bytes);
    this.tellClient();
    if (left === bytes) return PASS;
    if (left.length === 0) return DROP;
    if (type === DATA) return replace(left);
    if (this.ports !== null) this.ports.insert(direction, this.ports.make(DATA, left));
    return DROP;
  }

  onSettings({ guestPolicy }: SessionSettings): void {
    this.rules = UsbRules.of(guestPolicy);
    if (this.rules === null || this.ports === null) return;
    const moved = this.ports.progress('up').bytes + this.ports.progress('down').bytes;
    if (!this.follows && moved > 0) this.endForbidden();
    this.follows = true;
    if (this.device !== null && !this.allows(this.device)) this.endForbidden();
  }

  private decompressed(body: Buffer): Buffer {
    if (body.length > 0 && body.readUInt8(0) !== LZ4) return body.subarray(1);
    if (body.length < LZ4_START_BYTES) throw new PeerMisbehaved('compressed data is too short');
    const size = body.readUInt32LE(1);
    if (size > this.maxMessageSize)
      throw new LimitExceeded('size of decompressed data', this.maxMessageSize, size);
    return decompressBlock(body.subarray(LZ4_START_BYTES), size);
  }

  private fromClient(type: number): boolean {
    this.expectGuest();
    if (type === USB_PACKET.DEVICE_DISCONNECT) {
      this.device = null;
      this.interfaces = [];
    }
    return this.device !== null || WITHOUT_DEVICE.has(type);
  }

  private judgeClient(type: number, data: Buffer, packet: Buffer): Buffer | null {
    if (type === USB_PACKET.HELLO) {
      this.greeted('up', data);
      return packet;
    }
    this.expectGuest();
    if (type === USB_PACKET.INTERFACE_INFO) {
      this.interfaces = classesOf(data);
      if (this.device === null || this.allows(this.device)) return packet;
      this.refuse();
      return this.disconnected();
    }
    const device = {
      deviceClass: data.readUInt8(1),
      vendor: data.readUInt16LE(4),
      product: data.readUInt16LE(6),
    };
    if (this.allows(device)) {
      this.device = device;
      return packet;
    }
    const had = this.device !== null;
    this.refuse();
    return had ? this.disconnected() : null;
  }

  private allows(device: UsbDevice): boolean {
    return this.rules === null || this.rules.allows(device, this.interfaces);
  }

  /** What tells the guest that its device is gone: it forgets the interfaces with it, and not before. */
  private disconnected(): Buffer {
    this.interfaces = [];
    return this.packets.up.empty(USB_PACKET.DEVICE_DISCONNECT);
  }

  private refuse(): void {
    this.device = null;
    this.rejected = true;
    this.drops.add('usb', 'up');
  }

  /** Tells the client as soon as no packet of the guest is under way. */
  private tellClient(): void {
    const { down } = this.packets;
    if (!this.rejected || this.ports === null || down.midPacket) return;
    this.rejected = false;
    if (!hasCap(this.caps.up ?? [], USB_CAP.FILTER)) this.endForbidden();
    else this.ports.insert('down', this.ports.make(DATA, down.empty(USB_PACKET.FILTER_REJECT)));
  }

  /** A client says nothing but its hello before it knows the guest's: until then the length of ids is not known. */
  private expectGuest(): void {
    if (this.caps.down === null)
      throw new PeerMisbehaved('a usbredir packet came before the hello of the guest');
  }

  private greeted(direction: Direction, data: Buffer): void {
    this.caps[direction] = helloCaps(data);
    const { up, down } = this.caps;
    if (up === null || down === null) return;
    if (!hasCap(up, USB_CAP.IDS_64_BITS) || !hasCap(down, USB_CAP.IDS_64_BITS)) return;
    this.packets.up.useLongIds();
    this.packets.down.useLongIds();
  }

  private endForbidden(): void {
    this.ports?.end(`channel forbidden: ${ruleOf('usb')}`, 'a device is not on the list');
  }
}

/** The classes of the interfaces of an INTERFACE_INFO. */
function classesOf(data: Buffer): number[] {
  const count = Math.min(MAX_INTERFACES, data.readUInt32LE(0));
  return [...data.subarray(CLASSES_OFFSET, CLASSES_OFFSET + count)];
}
