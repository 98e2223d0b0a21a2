// SPDX-License-Identifier: Apache-2.0
// The agent messages of one direction, out of the bodies of AGENT_DATA, however these are cut: each message is passed, dropped
// or held until it is whole, as its judge says when its header is there. What passes is put into bodies again; what passes
// as a whole body is that body.
import { LimitExceeded, PeerMisbehaved } from '../spice/errors.js';
import {
  AGENT_DATA_MAX_BYTES,
  AGENT_HEADER_BYTES,
  agentHeader,
  agentMessage,
} from '../spice/agent-protocol.js';

const NOTHING = Buffer.alloc(0);
/** Bytes of the largest message that is held: a monitor configuration, an announcement. */
const MAX_HELD_BYTES = 8192;

/** What becomes of a message. */
export interface Fate {
  readonly kind: 'pass' | 'drop' | 'hold';
  /** Bytes of its data that the judge wants to see; fewer where the message has fewer. A held one is seen whole. */
  readonly seen: number;
}

/** Decides about messages. */
export interface AgentJudge {
  /** A header is there. @param size bytes of data */
  begin(type: number, size: number): Fate;
  /** The data that was to be seen is there, of a message that passes or is dropped. */
  see(type: number, start: Buffer, passes: boolean): void;
  /** A held message is whole: the data that goes on in its place; null: none. */
  change(type: number, data: Buffer): Buffer | null;
}

interface Current {
  readonly type: number;
  readonly size: number;
  readonly fate: Fate;
  /** Bytes of data that have not come. */
  left: number;
  /** Bytes that the judge has not been shown. */
  unseen: number;
  start: Buffer;
}

/** Follows one direction. */
export class AgentStream {
  private header = NOTHING;
  /** The part of a header that has come has gone on. */
  private sent = false;
  private current: Current | null = null;
  /** The next body may begin a message although the one before, which is dropped, has not ended. */
  private mayBegin = false;

  constructor(private readonly judge: AgentJudge) {}

  /** Whether a message passes whose end has not come: nothing may be put in. */
  get midMessage(): boolean {
    if (this.current === null) return this.header.length > 0 && this.sent;
    return this.current.fate.kind === 'pass';
  }

  /** Another stream begins. */
  reset(): void {
    this.header = NOTHING;
    this.current = null;
    this.mayBegin = false;
  }

  /**
   * The agent came or went. A server goes on in the message that is under way [agent-msg-filter.c]; of one that was dropped
   * it knows nothing, and the client may begin anew.
   */
  interrupt(): void {
    this.mayBegin = this.current !== null && this.current.fate.kind !== 'pass';
  }

  /**
   * Takes the body of one AGENT_DATA; gives the bodies that go on.
   *
   * @param open the judge lets everything pass as it is: so does the body
   * @throws LimitExceeded, PeerMisbehaved
   */
  take(body: Buffer, open: boolean): Buffer[] {
    if (this.mayBegin && begins(body)) this.reset();
    this.mayBegin = false;
    const out = new Bodies();
    for (let at = 0; at < body.length;) {
      if (this.current === null) at = this.readHeader(body, at, out, open);
      if (this.current !== null) at = this.readData(body, at, this.current, out);
    }
    return body.length === 0 ? [body] : out.take();
  }

  private readHeader(body: Buffer, from: number, out: Bodies, open: boolean): number {
    const part = body.subarray(from, from + AGENT_HEADER_BYTES - this.header.length);
    const to = from + part.length;
    const whole = this.header.length === 0 ? part : Buffer.concat([this.header, part]);
    if (whole.length < AGENT_HEADER_BYTES) {
      this.sent = this.header.length === 0 ? open : this.sent;
      if (this.sent) out.extend(body, from, to);
      this.header = Buffer.from(whole);
      return to;
    }
    const kept = this.header.length > 0 && !this.sent;
    const late = this.header.length > 0 && this.sent;
    this.header = NOTHING;
    const { type, size } = agentHeader(whole);
    const judged = this.judge.begin(type, size);
    if (late && judged.kind === 'drop')
      throw new PeerMisbehaved('a part of a forbidden agent message has gone on');
    const fate: Fate = late ? { ...judged, kind: 'pass' } : judged;
    if (fate.kind === 'hold' && size > MAX_HELD_BYTES)
      throw new LimitExceeded(`size of agent message ${type}`, MAX_HELD_BYTES, size);
    const unseen = Math.min(size, fate.kind === 'hold' ? size : fate.seen);
    this.current = { type, size, fate, left: size, unseen, start: NOTHING };
    if (fate.kind === 'pass') {
      if (kept) out.add(whole);
      else out.extend(body, from, to);
    }
    return to;
  }

  private readData(body: Buffer, from: number, current: Current, out: Bodies): number {
    const to = Math.min(body.length, from + current.left);
    current.left -= to - from;
    if (current.fate.kind === 'pass') out.extend(body, from, to);
    const wanted = current.unseen;
    if (wanted > 0) {
      const more = body.subarray(from, Math.min(to, from + wanted));
      current.start = Buffer.concat([current.start, more]);
      current.unseen -= more.length;
    }
    if (current.left === 0) this.current = null;
    const { type, size, fate, unseen, start } = current;
    if (fate.kind === 'hold') {
      if (current.left === 0) this.putChanged(current, out);
    } else if (fate.seen > 0 && unseen === 0 && (wanted > 0 || size === 0)) {
      this.judge.see(type, start, fate.kind === 'pass');
    }
    return to;
  }

  private putChanged({ type, start }: Current, out: Bodies): void {
    const data = this.judge.change(type, start);
    if (data !== null) out.add(agentMessage(type, data));
  }
}

/** What goes on, in order: a run of bytes of one body stays one body. */
class Bodies {
  private readonly done: Buffer[] = [];
  private run: { readonly body: Buffer; readonly from: number; to: number } | null = null;

  /** Bytes of a body, behind those that were added last. */
  extend(body: Buffer, from: number, to: number): void {
    if (this.run !== null && this.run.to === from) {
      this.run.to = to;
      return;
    }
    if (to === from) return;
    this.close();
    this.run = { body, from, to };
  }

  /** Bytes that stand in no body. */
  add(bytes: Buffer): void {
    this.close();
    for (let at = 0; at < bytes.length; at += AGENT_DATA_MAX_BYTES)
      this.done.push(bytes.subarray(at, at + AGENT_DATA_MAX_BYTES));
  }

  take(): Buffer[] {
    this.close();
    return this.done;
  }

  private close(): void {
    if (this.run === null) return;
    const { body, from, to } = this.run;
    this.run = null;
    this.done.push(from === 0 && to === body.length ? body : body.subarray(from, to));
  }
}

/** Whether a body looks like the beginning of a message. */
function begins(body: Buffer): boolean {
  if (body.length < AGENT_HEADER_BYTES || body.readUInt32LE(0) !== 1) return false;
  const { type, size } = agentHeader(body);
  const data = body.length - AGENT_HEADER_BYTES;
  return type > 0 && type < 32 && (data === size || (data < size && body.length === AGENT_DATA_MAX_BYTES));
}
