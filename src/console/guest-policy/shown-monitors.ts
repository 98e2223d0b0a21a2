// SPDX-License-Identifier: Apache-2.0
// The monitors that a display channel has, as its server tells the client: no more than the policy allows. The message stays
// where it is, because clients acknowledge and count the messages of this channel.
import type { SessionSettings } from '../ipc.js';
import {
  PASS,
  replace,
  type Answer,
  type Direction,
  type Interest,
  type Message,
  type Stage,
} from '../relay/stage.js';
import { FULL_HEADER_BYTES } from '../spice/message-walker.js';
import { SERVER_MESSAGE } from '../spice/message-types.js';
import type { DropCounts } from './drop-counts.js';
import { cutHeads } from './monitors.js';

const { MONITORS_CONFIG } = SERVER_MESSAGE.display;
/** Of a full header: where messages within the body begin. */
const SUB_LIST_OFFSET = 14;
const TYPES: ReadonlySet<number> = new Set([MONITORS_CONFIG]);

/** Cuts lists of monitors. */
export class ShownMonitors implements Stage {
  readonly name = 'guest-policy-monitors';
  private most: number;

  /**
   * @param id of the display channel: each is a monitor, and the later ones have fewer beside them
   * @param maxMessageSize bytes of the largest body
   */
  constructor(
    private readonly id: number,
    settings: SessionSettings,
    private readonly drops: DropCounts,
    private readonly maxMessageSize: number,
  ) {
    this.most = settings.guestPolicy.maxMonitors;
  }

  get down(): Interest {
    if (this.most === 0) return {};
    return { bodies: { types: TYPES, maxBodyBytes: this.maxMessageSize, nested: true } };
  }

  onMessage(_direction: Direction, { bytes, body }: Message): Answer {
    const carries =
      bytes.length - body.length === FULL_HEADER_BYTES && bytes.readUInt32LE(SUB_LIST_OFFSET) !== 0;
    const cut = cutHeads(body, Math.max(1, this.most - this.id), carries);
    if (cut === null) return PASS;
    this.drops.add('max_monitors', 'down');
    return replace(cut);
  }

  onSettings({ guestPolicy }: SessionSettings): void {
    this.most = guestPolicy.maxMonitors;
  }
}
