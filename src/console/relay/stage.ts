// SPDX-License-Identifier: Apache-2.0
// What looks into the stream of a channel is a stage: it declares what it wants to see of each direction, and the
// pipeline gives no more than that. Three costs: headers that a table does not wave through; the bodies of named types,
// collected and bounded; all messages of a direction that the stage owns for a while.
//
// Stages are made for one channel, at link time, in a fixed order for each direction (stage-order.ts). They never know
// of each other: a stage sees what those before it let pass, and what it puts in is seen by those behind it.
// Serials, ACK windows and tokens that a stage changes are its own to keep right.
import type { CloseReason } from '../../close-reason.js';
import type { PacingSummary, SessionSettings } from '../ipc.js';

/** Up: client to backend. Down: backend to client. */
export type Direction = 'up' | 'down';

/** Which headers pass without the stage: judged for every message by a look into a table, and no call. */
export interface HeaderInterest {
  /** One byte for each message type, 1 where a message passes unseen; null: all types do. */
  readonly unseen: Uint8Array | null;
  /** Bytes of the largest body that passes unseen. */
  readonly maxBodyBytes: number;
}

/** Types that a table has a place for; a larger one is seen. */
const TABLE_TYPES = 512;

/** A table of all types that lets these be seen, for {@link HeaderInterest}. */
export function unseenBut(types: readonly number[]): Uint8Array {
  const table = new Uint8Array(TABLE_TYPES).fill(1);
  for (const type of types) table[type] = 0;
  return table;
}

/** Which messages the stage wants whole. */
export interface BodyInterest {
  readonly types: ReadonlySet<number>;
  /** Bytes of the largest body that is collected; a larger one ends the channel as a fault of its sender. */
  readonly maxBodyBytes: number;
  /** Messages within others may pass by unseen; absent: they end the channel. */
  readonly nested?: true;
}

/** What a stage wants to see of one direction. */
export interface Interest {
  readonly headers?: HeaderInterest;
  readonly bodies?: BodyInterest;
}

/** A whole message. Its bytes stay as they are; a stage may keep them. */
export interface Message {
  readonly type: number;
  /** Header and body. */
  readonly bytes: Buffer;
  /** A view into `bytes`. */
  readonly body: Buffer;
}

/** The message goes on as it is. */
export const PASS = { kind: 'pass' } as const;
/** The message goes no further. */
export const DROP = { kind: 'drop' } as const;

/** The channel ends because a rule was broken: counted and audited as an enforced verdict. */
export interface Refusal {
  readonly kind: 'refuse';
  /** The rule's name, as the metric and the audit have it. */
  readonly rule: string;
  /** For the log. */
  readonly detail: string;
}

/** The channel ends for a reason of its own, without a verdict. */
export interface End {
  readonly kind: 'end';
  readonly reason: CloseReason;
  /** For the log. */
  readonly detail: string;
}

/** What becomes of a message of which the header is known. */
export type HeaderAnswer = typeof PASS | Refusal | End;

/** What becomes of a whole message. */
export type Answer = HeaderAnswer | typeof DROP | { readonly kind: 'replace'; readonly body: Buffer };

/** Another body under the same header, with its size set right. */
export function replace(body: Buffer): Answer {
  return { kind: 'replace', body };
}

/** Ends the channel: `rule` was broken. */
export function refuse(rule: string, detail: string): Refusal {
  return { kind: 'refuse', rule, detail };
}

/** Ends the channel for a reason that is recorded. */
export function end(reason: CloseReason, detail: string): End {
  return { kind: 'end', reason, detail };
}

/** The message is not collected: its owner takes it in pieces. */
export const IN_PIECES = { kind: 'in_pieces' } as const;

/** Bytes of a message that goes by in pieces. */
export interface Piece {
  readonly bytes: Buffer;
  /** They hold the message's last byte. */
  readonly ends: boolean;
}

/** Takes all messages of a direction, one by one, and passes them on when it likes. */
export interface Owner {
  /** A whole message that the stages before have let pass. */
  message(message: Message): void;
  /** Bytes of the largest body that is collected. */
  readonly maxBodyBytes: number;
  /** A message is larger than that. */
  oversized(type: number, size: number): Refusal | End | typeof IN_PIECES;
  /** The next piece, header included, of a message that {@link oversized} wants in pieces; its bytes stay as they are. */
  piece?(piece: Piece): void;
  /** The leg has taken everything that was sent. */
  drained?(): void;
}

/** What an {@link Owner} does its work with. */
export interface Ownership {
  /** Puts a message on the way to the stages behind and to the leg, in order. */
  send(message: Message): void;
  /**
   * Writes pieces of messages in one go, past the stages behind: for the last stage of the order, which must not mix this
   * with {@link send}, and ends each message before it begins another one or gives back.
   */
  write(pieces: readonly Piece[]): void;
  /** From the next message on the direction flows again; what was not sent is lost. */
  giveBack(): void;
}

/** How far a direction has come. */
export interface Progress {
  /** Messages of its sender whose header has come. */
  readonly messages: number;
  /** Bytes of its sender. */
  readonly bytes: number;
  /** The leg has not taken everything that was written. */
  readonly busy: boolean;
}

/** What a stage may do to its channel, at any time. Where a stage is asked, its answer is the better way. */
export interface StagePorts {
  /** A message of the stage's own, in the channel's kind of header. @param serial of a full header */
  make(type: number, body: Buffer, serial?: bigint): Message;
  /**
   * Puts a message into a direction, between two messages: at once, where none is under way. One that is put in while
   * another is judged goes behind that one. The stages behind this one see it.
   */
  insert(direction: Direction, message: Message): void;
  /** Takes a direction from its next message on. */
  own(direction: Direction, owner: Owner): Ownership;
  /** Stops a direction, with back pressure to its sender, until the function is called that this gives. */
  hold(direction: Direction): () => void;
  /** How far a direction has come. */
  progress(direction: Direction): Progress;
  /** Counts a broken rule that is not enforced. */
  observe(direction: Direction, rule: string): void;
  /** Ends the channel. */
  end(reason: CloseReason, detail: string): void;
}

/** Looks into one channel. A ProtocolError that it throws is a fault of the sender; anything else is the stage's own. */
export interface Stage {
  /** For the audit, when the stage itself fails. */
  readonly name: string;
  /** What it wants of each direction; asked for at the start and whenever the settings have changed. */
  readonly up?: Interest;
  readonly down?: Interest;
  /** The channel begins: before the first byte. */
  start?(ports: StagePorts): void;
  /** A header that the stage's table did not wave through. */
  onHeader?(direction: Direction, type: number, size: number): HeaderAnswer;
  /**
   * Looks on: the bytes of the direction as they pass this place of the order, cut anywhere, good until the call returns. It
   * does not make the direction leave the way it is on, and may not change anything before the next turn.
   */
  tap?(direction: Direction, bytes: Buffer): void;
  /** A message of a type that was asked for. A promise stops the direction until it is settled. */
  onMessage?(direction: Direction, message: Message): Answer | Promise<Answer>;
  /** The session's settings are others now: they hold from the next message on. */
  onSettings?(settings: SessionSettings): void;
  /** The channel ends: last words may be sent, timers end. */
  close?(): void;
  /** How the channel was paced, for its record; null: it was not. */
  pacing?(): PacingSummary | null;
}
