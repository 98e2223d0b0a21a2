// SPDX-License-Identifier: Apache-2.0
// Where the guest must be one particular instance, nothing passes in either direction before MAIN_UUID has shown that it is: a
// port that another server has taken over meanwhile would show somebody else's screen.
import {
  DROP,
  end,
  PASS,
  type Answer,
  type Direction,
  type End,
  type Interest,
  type Message,
  type Owner,
  type Ownership,
  type Stage,
  type StagePorts,
} from '../relay/stage.js';
import { guestUuid } from '../spice/main-messages.js';
import { SERVER_MESSAGE } from '../spice/message-types.js';
import { MAX_INSPECTED_BYTES } from './main-control.js';

const { NAME, UUID } = SERVER_MESSAGE.main;

/** Bytes that may come before the guest's UUID; spice-server sends it right after MAIN_INIT. */
const MAX_HELD_BYTES = 65_536;

const SHOWN: ReadonlySet<number> = new Set([NAME, UUID]);
const INTEREST: Interest = { bodies: { types: SHOWN, maxBodyBytes: MAX_INSPECTED_BYTES } };

/** Holds a main channel until its guest is known. */
export class GuestIdentity implements Stage, Owner {
  readonly name = 'guest-identity';
  readonly down = INTEREST;
  readonly maxBodyBytes = MAX_HELD_BYTES;
  /** As 32 hex digits. */
  private readonly expected: string;
  private held: Message[] = [];
  private heldBytes = 0;
  private ports: StagePorts | null = null;
  private ownership: Ownership | null = null;
  private letClientSpeak: () => void = () => undefined;
  private deadline: NodeJS.Timeout | undefined;

  /**
   * @param expected the UUID that the guest must show
   * @param timeout seconds until it must have
   * @param asked whether the client wants name and UUID itself
   */
  constructor(
    expected: string,
    private readonly timeout: number,
    private readonly asked: boolean,
  ) {
    this.expected = expected.replaceAll('-', '').toLowerCase();
  }

  start(ports: StagePorts): void {
    this.ports = ports;
    this.ownership = ports.own('down', this);
    this.letClientSpeak = ports.hold('up');
    this.deadline = setTimeout(
      () => ports.end('guest not identified', `no UUID within ${this.timeout} s`),
      this.timeout * 1000,
    );
  }

  /** Keeps what comes until the UUID is there, then lets all of it go. */
  message(message: Message): void {
    this.held.push(message);
    this.heldBytes += message.bytes.length;
    if (message.type === UUID) this.show(message);
    else if (this.heldBytes > MAX_HELD_BYTES) {
      const { reason, detail } = this.oversized();
      this.ports?.end(reason, detail);
    }
  }

  oversized(): End {
    return end('guest not identified', 'too much came before its UUID');
  }

  /** Once the guest is known: name and UUID are for clients that asked. A guest may not turn into another one. */
  onMessage(_direction: Direction, message: Message): Answer {
    if (message.type === UUID) {
      const fault = this.faultOf(message);
      if (fault !== null) return fault;
    }
    return this.asked ? PASS : DROP;
  }

  close(): void {
    clearTimeout(this.deadline);
    this.held = [];
  }

  private show(message: Message): void {
    const fault = this.faultOf(message);
    if (fault !== null) {
      this.ports?.end(fault.reason, fault.detail);
      return;
    }
    clearTimeout(this.deadline);
    const held = this.held;
    this.held = [];
    for (const each of held) if (this.asked || !SHOWN.has(each.type)) this.ownership?.send(each);
    this.ownership?.giveBack();
    this.letClientSpeak();
  }

  private faultOf({ body }: Message): End | null {
    const shown = guestUuid(body);
    if (shown === this.expected) return null;
    return end('wrong guest', `it shows ${shown ?? 'no UUID'}, not ${this.expected}`);
  }
}
