// SPDX-License-Identifier: Apache-2.0
// Which agent messages a policy lets pass, and which capabilities agent and client are told of each other.
import type { GuestPolicy, PolicyKey } from '../guest-channels.js';
import type { Direction } from '../relay/stage.js';
import { AGENT_CAP, AGENT_MESSAGE } from '../spice/agent-protocol.js';
import { hasCap, withCap, withoutCap } from '../spice/capabilities.js';

const CLIPBOARD_CAPS = [
  AGENT_CAP.CLIPBOARD,
  AGENT_CAP.CLIPBOARD_BY_DEMAND,
  AGENT_CAP.CLIPBOARD_SELECTION,
  AGENT_CAP.CLIPBOARD_GRAB_SERIAL,
];

/** A policy, as far as agent messages go. */
export class AgentRules {
  /** Whether the client's clipboard may be read in the guest, and the guest's at the client. */
  readonly toGuest: boolean;
  readonly fromGuest: boolean;
  readonly files: boolean;
  /** 0: as many as there are. */
  readonly maxMonitors: number;
  private readonly viewOnly: boolean;

  constructor({ clipboard, fileTransfer, viewOnly, maxMonitors }: GuestPolicy) {
    this.viewOnly = viewOnly;
    this.toGuest = !viewOnly && (clipboard === 'both' || clipboard === 'to-guest');
    this.fromGuest = !viewOnly && (clipboard === 'both' || clipboard === 'from-guest');
    this.files = !viewOnly && fileTransfer === 'to-guest';
    this.maxMonitors = maxMonitors;
  }

  /** Whether every message passes as it is. */
  get open(): boolean {
    return this.toGuest && this.fromGuest && this.files && this.maxMonitors === 0;
  }

  /** Whether a message that may pass must be seen whole, for it may be changed. */
  changes(direction: Direction, type: number): boolean {
    if (type === AGENT_MESSAGE.ANNOUNCE_CAPABILITIES) return !this.open;
    return type === AGENT_MESSAGE.MONITORS_CONFIG && direction === 'up' && this.maxMonitors > 0;
  }

  /** The key that forbids a message; null: it may pass. */
  forbiddenBy(direction: Direction, type: number): PolicyKey | null {
    const key = this.keyOf(direction, type);
    if (!this.viewOnly) return key;
    return key !== null || (direction === 'up' && type !== AGENT_MESSAGE.ANNOUNCE_CAPABILITIES)
      ? 'view_only'
      : null;
  }

  /**
   * What one side is told that the other one can do.
   *
   * @param direction of the announcement
   * @param caps words as the other one has announced them
   */
  told(direction: Direction, caps: readonly number[]): number[] {
    const cleared =
      this.toGuest && this.fromGuest
        ? []
        : this.toGuest || this.fromGuest
          ? // A grab that was kept back is missed in the count, and later ones would be taken for old.
            [AGENT_CAP.CLIPBOARD_GRAB_SERIAL]
          : CLIPBOARD_CAPS;
    const left = cleared.reduce<readonly number[]>((words, bit) => withoutCap(words, bit), caps);
    // The size stays: an announcement without words can take no bit.
    if (direction === 'up' || this.files || left.length === 0) return [...left];
    return hasCap(left, AGENT_CAP.FILE_XFER_DISABLED)
      ? [...left]
      : withCap(left, AGENT_CAP.FILE_XFER_DISABLED);
  }

  private keyOf(direction: Direction, type: number): PolicyKey | null {
    const [own, other] = direction === 'up' ? [this.toGuest, this.fromGuest] : [this.fromGuest, this.toGuest];
    switch (type) {
      case AGENT_MESSAGE.CLIPBOARD:
      case AGENT_MESSAGE.CLIPBOARD_GRAB:
      case AGENT_MESSAGE.CLIPBOARD_RELEASE:
        return own ? null : 'clipboard';
      case AGENT_MESSAGE.CLIPBOARD_REQUEST:
        return other ? null : 'clipboard';
      case AGENT_MESSAGE.FILE_XFER_START:
      case AGENT_MESSAGE.FILE_XFER_STATUS:
      case AGENT_MESSAGE.FILE_XFER_DATA:
        return this.files ? null : 'file_transfer';
      default:
        return null;
    }
  }
}
