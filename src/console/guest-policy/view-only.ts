// SPDX-License-Identifier: Apache-2.0
// A session that only looks: no key and no mouse reaches the guest. The client gets what it waits for: one acknowledgement
// for every four movements of the mouse, as a server sends it, or its pointer would stand still.
import type { SessionSettings } from '../ipc.js';
import {
  DROP,
  type Answer,
  type Direction,
  type Interest,
  type Message,
  type Stage,
  type StagePorts,
} from '../relay/stage.js';
import { CHANNEL } from '../spice/constants.js';
import { CLIENT_MESSAGE, SERVER_MESSAGE } from '../spice/message-types.js';
import type { DropCounts } from './drop-counts.js';

const { inputs, main } = CLIENT_MESSAGE;
const { MOUSE_MOTION_ACK } = SERVER_MESSAGE.inputs;
/** `SPICE_INPUT_MOTION_ACK_BUNCH`. */
const ACK_BUNCH = 4;
const NOTHING = Buffer.alloc(0);

const TYPES: Readonly<Record<number, ReadonlySet<number>>> = {
  [CHANNEL.inputs]: new Set(Object.values(inputs)),
  [CHANNEL.main]: new Set([main.MOUSE_MODE_REQUEST]),
};

/** Keeps a user's inputs from the guest. */
export class ViewOnly implements Stage {
  readonly name = 'guest-policy-view-only';
  private ports: StagePorts | null = null;
  private on: boolean;
  /** Movements that were dropped since the last acknowledgement. */
  private moved = 0;

  /**
   * @param channelType main or inputs
   * @param maxMessageSize bytes of the largest body
   */
  constructor(
    private readonly channelType: number,
    { guestPolicy }: SessionSettings,
    private readonly drops: DropCounts,
    private readonly maxMessageSize: number,
  ) {
    this.on = guestPolicy.viewOnly;
  }

  get up(): Interest {
    const types = TYPES[this.channelType];
    return this.on && types !== undefined ? { bodies: { types, maxBodyBytes: this.maxMessageSize } } : {};
  }

  start(ports: StagePorts): void {
    this.ports = ports;
  }

  onMessage(_direction: Direction, { type }: Message): Answer {
    this.drops.add('view_only', 'up');
    if (
      this.channelType === CHANNEL.inputs &&
      (type === inputs.MOUSE_MOTION || type === inputs.MOUSE_POSITION)
    )
      this.acknowledge();
    return DROP;
  }

  onSettings({ guestPolicy }: SessionSettings): void {
    this.on = guestPolicy.viewOnly;
  }

  private acknowledge(): void {
    this.moved += 1;
    if (this.moved < ACK_BUNCH) return;
    this.moved = 0;
    this.ports?.insert('down', this.ports.make(MOUSE_MOTION_ACK, NOTHING));
  }
}
