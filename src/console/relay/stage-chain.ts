// SPDX-License-Identifier: Apache-2.0
// The stages of one direction in their order: what they want now, what becomes of a message on its way through them,
// and whose fault it is when one of them throws.
import { ConnectionEnded, StageFailed } from '../connection/ends.js';
import { LimitExceeded, PeerMisbehaved, ProtocolError } from '../spice/errors.js';
import { SERVER_MESSAGE } from '../spice/message-types.js';
import { MINI_HEADER_BYTES, type HeaderGate } from '../spice/message-walker.js';
import {
  PASS,
  type Answer,
  type Direction,
  type End,
  type Interest,
  type Message,
  type Owner,
  type Piece,
  type Refusal,
  type Stage,
} from './stage.js';

/** No body is larger than the walker can count. */
const MAX_SIZE = 2 ** 31 - 1;

/** Bytes from the start of a header to its u32 size: u16 type, u32 size; or u64 serial, u16 type, u32 size, u32 sub_list. */
const MINI_SIZE_OFFSET = 2;
const FULL_SIZE_OFFSET = 10;

/** A stage that has promised an answer about a message. */
export class Pending {
  constructor(
    readonly answer: Promise<Answer>,
    readonly message: Message,
    /** The stage's place in the order. */
    readonly index: number,
  ) {}
}

/** A stage within a direction. */
interface Slot {
  readonly stage: Stage;
  interest: Interest;
  /** Who takes everything; null: nobody. */
  owner: Owner | null;
}

/** What the stages of a direction see, in their order; and the table of all that they do not mind. */
export class StageChain implements HeaderGate {
  allowed: Uint8Array | null = null;
  maxBodyBytes = MAX_SIZE;
  /** Who takes the message that goes by now in pieces; null: nobody. */
  private taker: Slot | null = null;
  private readonly slots: readonly Slot[];
  /** Whether a stage looks on. */
  private readonly tapped: boolean;

  /**
   * @param channel the channel's name, for people
   * @param refused told of each rule for which the channel ends
   */
  constructor(
    private readonly direction: Direction,
    private readonly channel: string,
    stages: readonly Stage[],
    private readonly refused: (direction: Direction, rule: string) => void,
  ) {
    this.slots = stages.map((stage) => ({ stage, interest: {}, owner: null }));
    this.tapped = stages.some((stage) => stage.tap !== undefined);
    this.refresh();
  }

  /** How many stages there are: the place behind all of them. */
  get length(): number {
    return this.slots.length;
  }

  /** Whether some stage wants more than headers. */
  get wantsMessages(): boolean {
    return this.slots.some(({ interest, owner }) => owner !== null || interest.bodies !== undefined);
  }

  /** Whether a stage owns the direction. */
  get owned(): boolean {
    return this.slots.some(({ owner }) => owner !== null);
  }

  /** Asks every stage again what it wants. */
  refresh(): void {
    this.allowed = null;
    this.maxBodyBytes = MAX_SIZE;
    for (const slot of this.slots) {
      slot.interest = slot.stage[this.direction] ?? {};
      const { headers } = slot.interest;
      if (headers === undefined) continue;
      this.maxBodyBytes = Math.min(this.maxBodyBytes, headers.maxBodyBytes);
      this.allowed = both(this.allowed, headers.unseen);
    }
  }

  /** The place of a stage in the order; behind all of them where it has none. */
  placeOf(stage: Stage): number {
    const index = this.slots.findIndex((slot) => slot.stage === stage);
    return index === -1 ? this.slots.length : index;
  }

  /** Lets a stage take everything; gives the function that ends it. @throws Error when the stage may not */
  setOwner(index: number, owner: Owner): () => void {
    const slot = this.slots[index];
    if (slot === undefined || slot.owner !== null)
      throw new Error(
        `it cannot own the ${this.direction} direction: it is not in the order, or owns it already`,
      );
    slot.owner = owner;
    return () => {
      if (slot.owner === owner) slot.owner = null;
    };
  }

  /** Asks the stages that mind a header. @throws what ends the channel */
  judge(type: number, size: number): void {
    for (const slot of this.slots) {
      const { headers } = slot.interest;
      if (headers === undefined || passes(headers.unseen, headers.maxBodyBytes, type, size)) continue;
      const answer = guard(slot.stage, () => slot.stage.onHeader?.(this.direction, type, size));
      if (answer !== undefined && answer.kind !== 'pass') this.stop(answer);
    }
  }

  /**
   * Judges the header of a message that the framer has found: whether the message is collected.
   *
   * @param nested whether a full header announces messages within the body
   * @param late the header's beginning is written already: the message can only stream by
   * @throws what ends the channel
   */
  collects(type: number, size: number, nested: boolean, late: boolean): boolean {
    if (!passes(this.allowed, this.maxBodyBytes, type, size)) this.judge(type, size);
    if (late) return false;
    this.refuseNested(type, nested);
    let collected = false;
    for (const slot of this.slots) {
      const { owner, interest } = slot;
      if (owner !== null) collected = collected || !this.goesInPieces(slot, owner, type, size);
      else if (interest.bodies?.types.has(type) === true) {
        const { maxBodyBytes } = interest.bodies;
        if (size > maxBodyBytes) throw new LimitExceeded('inspected message size', maxBodyBytes, size);
        collected = true;
      }
    }
    return collected;
  }

  /** Shows the first `length` bytes of a buffer, which stream by, to the stages that look on, those behind an owner that takes them excepted. */
  showTaps(buffer: Buffer, length: number): void {
    if (!this.tapped) return;
    const bytes = buffer.subarray(0, length);
    for (const slot of this.slots) {
      if (slot === this.taker) return;
      guard(slot.stage, () => slot.stage.tap?.(this.direction, bytes));
    }
  }

  /** Gives a piece to the owner that wants it; false: it goes out as it is. */
  givePiece(piece: () => Piece): boolean {
    const { taker } = this;
    if (taker === null) return false;
    const given = piece();
    if (given.ends) this.taker = null;
    guard(taker.stage, () => taker.owner?.piece?.(given));
    return true;
  }

  /**
   * Shows a message to the stages from a place on.
   *
   * @returns what goes out; null: nothing; Pending: a stage will say
   * @throws what ends the channel
   */
  route(message: Message, from: number): Message | Pending | null {
    let shown = message;
    for (let index = from; index < this.slots.length; index += 1) {
      const { stage, owner, interest } = this.slots[index] as Slot;
      if (stage.tap !== undefined) this.showTap(stage, shown.bytes);
      if (owner !== null) {
        guard(stage, () => owner.message(shown));
        return null;
      }
      if (interest.bodies?.types.has(shown.type) !== true) continue;
      const answer = guard(stage, () => stage.onMessage?.(this.direction, shown) ?? PASS);
      if (answer instanceof Promise) return new Pending(answer, shown, index);
      const next = this.applied(answer, shown);
      if (next === null) return null;
      shown = next;
    }
    return shown;
  }

  private showTap(stage: Stage, bytes: Buffer): void {
    guard(stage, () => stage.tap?.(this.direction, bytes));
  }

  /** What is left of a message after an answer; null: nothing. @throws what ends the channel */
  applied(answer: Answer, message: Message): Message | null {
    switch (answer.kind) {
      case 'pass':
        return message;
      case 'drop':
        return null;
      case 'replace':
        return withBody(message, answer.body);
      case 'refuse':
      case 'end':
        return this.stop(answer);
    }
  }

  /** Whose fault it is that a promised answer was none. */
  faultOf({ index }: Pending, error: unknown): Error {
    return faultOf((this.slots[index] as Slot).stage, error);
  }

  /** Tells owners that the leg has taken everything. @throws what ends the channel */
  drained(): void {
    for (const { stage, owner } of this.slots) if (owner !== null) guard(stage, () => owner.drained?.());
  }

  /** The fault that an error is, of the sender or of a stage. */
  endOf(error: unknown): Error {
    if (error instanceof ProtocolError) return this.senderFault(error.message);
    return error instanceof Error ? error : new Error(String(error));
  }

  /** Asks an owner about a message that is too large for it. @throws what ends the channel */
  private goesInPieces(slot: Slot, owner: Owner, type: number, size: number): boolean {
    if (size <= owner.maxBodyBytes) return false;
    const answer = guard(slot.stage, () => owner.oversized(type, size));
    if (answer.kind !== 'in_pieces') this.stop(answer);
    this.taker = slot;
    return true;
  }

  private stop(answer: Refusal | End): never {
    if (answer.kind === 'end') throw new ConnectionEnded(answer.reason, answer.detail);
    this.refused(this.direction, answer.rule);
    throw this.senderFault(answer.detail);
  }

  private senderFault(detail: string): ConnectionEnded {
    const sender = this.direction === 'up' ? 'client' : 'backend';
    return new ConnectionEnded(`${sender} broke the protocol`, detail);
  }

  /** A message within another one would pass by the stages that want bodies, unless they want the one around it. */
  private refuseNested(type: number, nested: boolean): void {
    const list = this.direction === 'down' && type === SERVER_MESSAGE.common.LIST;
    if (!nested && !list) return;
    const hides = ({ bodies }: Interest): boolean =>
      bodies !== undefined && bodies.nested !== true && (nested || !bodies.types.has(type));
    if (this.slots.some(({ interest }) => hides(interest)))
      throw new PeerMisbehaved(`nested messages are not accepted on the ${this.channel} channel`);
  }
}

function passes(allowed: Uint8Array | null, maxBodyBytes: number, type: number, size: number): boolean {
  return size <= maxBodyBytes && (allowed === null || allowed[type] === 1);
}

/** The types that pass unseen by both. */
function both(one: Uint8Array | null, other: Uint8Array | null): Uint8Array | null {
  if (one === null || other === null) return one ?? other;
  return one.map((unseen, type) => (unseen === 1 && other[type] === 1 ? 1 : 0));
}

function guard<T>(stage: Stage, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw faultOf(stage, error);
  }
}

function faultOf(stage: Stage, error: unknown): Error {
  if (error instanceof ProtocolError || error instanceof ConnectionEnded || error instanceof StageFailed)
    return error;
  return new StageFailed(stage.name, error);
}

/** The same header with the size of another body, and that body. */
function withBody({ type, bytes, body }: Message, replacement: Buffer): Message {
  const headerBytes = bytes.length - body.length;
  const frame = Buffer.allocUnsafe(headerBytes + replacement.length);
  bytes.copy(frame, 0, 0, headerBytes);
  replacement.copy(frame, headerBytes);
  frame.writeUInt32LE(
    replacement.length,
    headerBytes === MINI_HEADER_BYTES ? MINI_SIZE_OFFSET : FULL_SIZE_OFFSET,
  );
  return { type, bytes: frame, body: frame.subarray(headerBytes) };
}
