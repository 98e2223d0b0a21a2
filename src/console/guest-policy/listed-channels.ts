// SPDX-License-Identifier: Apache-2.0
// The lists of channels that a client is sent: without those that the policy forbids; and those again that a changed policy
// allows, as a server lists a channel that has come later.
import type { SessionSettings } from '../ipc.js';
import { channelForbiddenBy, type GuestPolicy } from '../guest-channels.js';
import {
  PASS,
  replace,
  type Answer,
  type Direction,
  type Interest,
  type Message,
  type Stage,
  type StagePorts,
} from '../relay/stage.js';
import { SERVER_MESSAGE } from '../spice/message-types.js';

const { CHANNELS_LIST } = SERVER_MESSAGE.main;
/** u32 count, then u8 type and u8 id of each channel. */
const COUNT_BYTES = 4;
const ENTRY_BYTES = 2;

/** Edits the lists of channels. */
export class ListedChannels implements Stage {
  readonly name = 'guest-policy-channels';
  readonly down: Interest;
  private ports: StagePorts | null = null;
  private policy: GuestPolicy;
  /** Channels that the server has: type in the upper byte, id in the lower. */
  private readonly listed = new Set<number>();

  /** @param maxMessageSize bytes of the largest body */
  constructor({ guestPolicy }: SessionSettings, maxMessageSize: number) {
    this.policy = guestPolicy;
    this.down = { bodies: { types: new Set([CHANNELS_LIST]), maxBodyBytes: maxMessageSize } };
  }

  start(ports: StagePorts): void {
    this.ports = ports;
  }

  onMessage(_direction: Direction, { body }: Message): Answer {
    const entries = entriesOf(body);
    for (const entry of entries) this.listed.add(entry);
    const left = entries.filter((entry) => allows(this.policy, entry));
    return left.length === entries.length ? PASS : replace(listOf(left));
  }

  onSettings({ guestPolicy }: SessionSettings): void {
    const before = this.policy;
    this.policy = guestPolicy;
    const back = [...this.listed].filter((entry) => !allows(before, entry) && allows(guestPolicy, entry));
    if (back.length > 0) this.ports?.insert('down', this.ports.make(CHANNELS_LIST, listOf(back)));
  }
}

function allows(policy: GuestPolicy, entry: number): boolean {
  return channelForbiddenBy(policy, entry >>> 8, entry & 0xff) === null;
}

function entriesOf(body: Buffer): number[] {
  const room = Math.max(0, Math.floor((body.length - COUNT_BYTES) / ENTRY_BYTES));
  const count = room === 0 ? 0 : Math.min(room, body.readUInt32LE(0));
  return Array.from({ length: count }, (_unused, index) =>
    body.readUInt16BE(COUNT_BYTES + index * ENTRY_BYTES),
  );
}

function listOf(entries: readonly number[]): Buffer {
  const body = Buffer.alloc(COUNT_BYTES + ENTRY_BYTES * entries.length);
  body.writeUInt32LE(entries.length, 0);
  entries.forEach((entry, index) => body.writeUInt16BE(entry, COUNT_BYTES + index * ENTRY_BYTES));
  return body;
}
