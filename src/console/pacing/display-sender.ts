// SPDX-License-Identifier: Apache-2.0
// The way out of a paced display channel: what waits, which of it goes next, how fast, and what of it is on its way to the
// client. A message goes out in writes of a few milliseconds of the link each, so that nothing of the session waits behind
// a large picture in this machine's socket.
import type { Message, Ownership, Piece } from '../relay/stage.js';
import { SERVER_MESSAGE } from '../spice/message-types.js';
import { DrawQueue, REPLACEMENT } from './draw-queue.js';
import { Fifo } from './fifo.js';
import type { Flight } from './link-estimator.js';
import type { PacedChannel, SessionPacer } from './session-pacer.js';

/** Messages that may wait, however small they are: each costs some hundred bytes beside its own. */
const MAX_QUEUED = 8192;
/** A message that holds so many bytes of memory more than its own is copied. */
const WASTE_BYTES = 4096;

/** What a {@link DisplaySender} works with. */
export interface SenderParts {
  readonly pacer: SessionPacer;
  /** Whether the leg has not taken the last write. */
  readonly busy: () => boolean;
  readonly now: () => number;
  /** Calls {@link DisplaySender.pump} after so many milliseconds. */
  readonly later: (milliseconds: number) => void;
  /** A PING of the server that would go out now: what goes in its place; null: nothing; the PING itself: it. */
  readonly ping: (ping: Message) => Message | null;
  /** A message that stands for nothing would go out now: whether it does. */
  readonly replacement: () => boolean;
}

/** A message on its way; null: the SET_ACK behind which the client acknowledges each message. */
type Sent = { readonly flight: Flight; readonly answers: number | null } | null;

/** A message that is being written. */
interface Current {
  readonly bytes: Buffer;
  offset: number;
  readonly flight: Flight | null;
}

/** A message that is too large to be collected. */
interface Large {
  readonly size: number;
  readonly pieces: Fifo<Piece>;
  /** Bytes of the first of them that are written. */
  offset: number;
  /** Bytes of the pieces that wait. */
  waiting: number;
  flight: Flight | null;
  begun: boolean;
  /** The server has sent all of it. */
  complete: boolean;
}

/** Sends what a server draws. */
export class DisplaySender implements PacedChannel {
  readonly queue = new DrawQueue();
  /** See {@link close}. */
  private closing = false;
  /** Messages are acknowledged one by one. */
  private tracks = false;
  /** A SET_ACK of the proxy's own, which goes before all others; null: none waits. */
  private own: Message | null = null;
  private readonly sent = new Fifo<Sent>();
  private current: Current | null = null;
  private large: Large | null = null;
  /** Draws that answer an input, and when that was. */
  private readonly answers = new WeakMap<Message, number>();

  /**
   * @param ownership what the pieces are written to
   * @param woken something has changed that the channel's server may wait for
   */
  constructor(
    private readonly ownership: Ownership,
    private readonly parts: SenderParts,
    private readonly woken: () => void,
  ) {}

  get queueBytes(): number {
    return this.queue.bytes + (this.large?.waiting ?? 0);
  }

  get supersededDraws(): number {
    return this.queue.counters.supersededDraws;
  }

  /** Whether nothing waits, and no message is half written. */
  get empty(): boolean {
    return this.current === null && this.large === null && this.own === null && this.queue.length === 0;
  }

  /** Messages of the server that the client has not got: those that wait, and those on their way. */
  get undelivered(): number {
    return this.queue.length + this.sent.length + (this.current === null && this.large === null ? 0 : 1);
  }

  /** Whether messages are on their way of which the client has said nothing. */
  get waitsForClient(): boolean {
    return this.sent.length > 0;
  }

  /** Whether there are too many messages, or bytes, for more. */
  get full(): boolean {
    if (this.queue.length >= MAX_QUEUED || this.large?.complete === true) return true;
    return this.queueBytes > 0 && this.parts.pacer.full;
  }

  /** Whether there is room again. */
  get roomy(): boolean {
    if (this.queue.length >= MAX_QUEUED / 2 || this.large?.complete === true) return false;
    return this.queueBytes === 0 || this.parts.pacer.roomy;
  }

  wake(): void {
    this.woken();
  }

  /** Takes a message of the server. */
  take(message: Message): void {
    const { pacer, now } = this.parts;
    const at = now();
    const kept = compact(message);
    pacer.received(kept.bytes.length);
    if (pacer.expects(at) && this.queue.isCold(kept, at)) {
      const inputAt = pacer.answered(at);
      if (inputAt !== null) this.answers.set(kept, inputAt);
    }
    this.queue.push(kept, at);
  }

  /** A message begins that is taken in pieces. @param size bytes of its body and header */
  begin(size: number): void {
    this.large = {
      size,
      pieces: new Fifo(),
      offset: 0,
      waiting: 0,
      flight: null,
      begun: false,
      complete: false,
    };
  }

  /** Takes the next of them. */
  takePiece(piece: Piece): void {
    const { large } = this;
    if (large === null) return;
    this.parts.pacer.received(piece.bytes.length);
    large.pieces.push(piece);
    large.waiting += piece.bytes.length;
    large.complete = piece.ends;
  }

  /** Puts a SET_ACK of the proxy's own before everything that waits: behind it the client acknowledges each message. */
  putSetAck(message: Message): void {
    this.own = message;
  }

  /** The client has answered the oldest SET_ACK: all before it has arrived. */
  synced(): void {
    for (let next = this.sent.shift(); next !== undefined && next !== null; next = this.sent.shift())
      this.arrive(next);
  }

  /** The client has acknowledged a message. @returns whether one was on its way, wholly written */
  arrived(): boolean {
    const next = this.sent.peek();
    if (next === undefined || next === null || next.flight.writtenAt === null) return false;
    this.sent.shift();
    this.arrive(next);
    return true;
  }

  /** The client counts by the server's window again: what waits goes out as the leg takes it. */
  close(): void {
    this.closing = true;
    this.own = null;
    this.tracks = false;
    for (let next = this.sent.shift(); next !== undefined; next = this.sent.shift())
      if (next !== null) this.parts.pacer.forget(next.flight);
  }

  /** All that waits, for a last write; a large message that has not come whole ends where its server did. */
  rest(): Piece[] {
    const at = this.parts.now();
    const pieces: Piece[] = [];
    while (this.next(at)) {
      const piece = this.piece(Infinity, at);
      if (piece === null) return pieces;
      pieces.push(piece);
    }
    return pieces;
  }

  /** Writes what may be written now. */
  pump(): void {
    const { pacer, busy, now, later } = this.parts;
    if (busy()) return;
    const at = now();
    const most = pacer.writeBytes;
    const pieces: Piece[] = [];
    for (let total = 0; total < most;) {
      if (!this.next(at)) break;
      // Of a large message the client says nothing until it has all of it: the leg's own pace must do.
      const paced = !this.closing && this.current !== null;
      const wait = paced ? pacer.wait(at) : 0;
      if (wait > 0) {
        later(wait);
        break;
      }
      const piece = this.piece(most - total, at);
      if (piece === null) break;
      pacer.spend(piece.bytes.length);
      total += piece.bytes.length;
      pieces.push(piece);
    }
    if (pieces.length > 0) this.ownership.write(pieces);
  }

  /** Whether a message is there to be written, under way or new. */
  private next(at: number): boolean {
    if (this.current !== null || this.large?.begun === true) return true;
    const { pacer } = this.parts;
    if (this.own === null && this.queue.length === 0 && this.large === null) {
      if (!this.closing) pacer.starve();
      return false;
    }
    return (this.closing || pacer.open) && this.start(at);
  }

  private start(at: number): boolean {
    const { own } = this;
    this.own = null;
    if (own !== null) {
      this.startWith(own, at);
      return true;
    }
    for (let message = this.queue.next(at); message !== null; message = this.queue.next(at)) {
      const outgoing = this.instead(message);
      if (outgoing === null) continue;
      this.startWith(outgoing, at);
      return true;
    }
    const { large } = this;
    if (large === null) return false;
    large.begun = true;
    large.flight = this.fly(large.size, null, at);
    return true;
  }

  private instead(message: Message): Message | null {
    if (message === REPLACEMENT) return this.parts.replacement() ? message : null;
    return message.type === SERVER_MESSAGE.common.PING ? this.parts.ping(message) : message;
  }

  private startWith(message: Message, at: number): void {
    const { bytes, type } = message;
    const answers = this.answers.get(message) ?? null;
    this.answers.delete(message);
    // Whether it is acknowledged itself, clients do not agree; the answer to it is clear.
    const setAck = type === SERVER_MESSAGE.common.SET_ACK;
    this.current = { bytes, offset: 0, flight: setAck ? null : this.fly(bytes.length, answers, at) };
    if (!setAck) return;
    this.tracks = !this.closing;
    if (this.tracks) this.sent.push(null);
  }

  private fly(size: number, answers: number | null, at: number): Flight | null {
    if (!this.tracks) return null;
    const flight = this.parts.pacer.send(at, size, this);
    this.sent.push({ flight, answers });
    return flight;
  }

  /** The next bytes of the message under way; null: its server has not sent them. */
  private piece(most: number, at: number): Piece | null {
    const { current, large } = this;
    if (current !== null) {
      const bytes = current.bytes.subarray(current.offset, current.offset + most);
      current.offset += bytes.length;
      const ends = current.offset === current.bytes.length;
      if (ends) this.written(current.flight, at);
      return { bytes, ends };
    }
    return large === null ? null : this.largePiece(large, most, at);
  }

  private largePiece(large: Large, most: number, at: number): Piece | null {
    const piece = large.pieces.peek();
    if (piece === undefined) return null;
    const bytes = piece.bytes.subarray(large.offset, large.offset + most);
    large.offset += bytes.length;
    large.waiting -= bytes.length;
    if (large.offset < piece.bytes.length) return { bytes, ends: false };
    large.pieces.shift();
    large.offset = 0;
    if (piece.ends) this.written(large.flight, at);
    return { bytes, ends: piece.ends };
  }

  private written(flight: Flight | null, at: number): void {
    if (flight !== null) flight.writtenAt = at;
    if (this.current === null) this.large = null;
    this.current = null;
  }

  private arrive({ flight, answers }: { readonly flight: Flight; readonly answers: number | null }): void {
    const { pacer, now } = this.parts;
    if (answers !== null) pacer.drawn(answers, now());
    pacer.acknowledge(now(), flight);
  }
}

/** The message, as a copy where it is a small view of much memory. */
function compact(message: Message): Message {
  const { type, bytes, body } = message;
  if (bytes.buffer.byteLength - bytes.length <= WASTE_BYTES + bytes.length) return message;
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return { type, bytes: copy, body: copy.subarray(bytes.length - body.length) };
}
