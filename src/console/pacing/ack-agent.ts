// SPDX-License-Identifier: Apache-2.0
// Who owes whom an acknowledgement on a display channel, when the proxy stands between server and client. The server counts
// what it sends and stops at more than two windows; each ACK frees one; its counter is unsigned, so an ACK that comes too
// early stops the channel for ever [spice-server red-channel-client.cpp]. The client answers a SET_ACK by an ACK_SYNC with
// its generation, and from then on sends an ACK for each window of messages [spice-gtk spice-channel.c].
//
// Two ways. `plain`: the client has the server's window, its ACKs are the server's. `ours`: the client has a window of 1,
// so that each message is acknowledged; its ACKs stay here, and the server gets one for each window that it has sent, when
// it suits. Between the ways the client is sent a SET_ACK of the proxy's own. Until it has answered that by its ACK_SYNC,
// what it sends is by the old count, and is of no use to anybody.
//
// In a seamless migration the client keeps its count, and what it has not sent yet goes to the destination: ACKs by the old
// window, and an ACK_SYNC of a generation of the source. A server's generations begin at 1 wherever it is, so that only those of
// the proxy's own can be told from each other: each channel has others.
//
// Bytes and clocks are not known here: a state machine that is told what came, and answers what is to be done.

import { randomInt } from 'node:crypto';

/** Body of a SET_ACK: u32 generation, u32 window. */
const SET_ACK_BYTES = 8;
/** A larger window than any server has: it would make one ACK out of everything. */
const MAX_WINDOW = 65_536;
const U32 = 2 ** 32;
/** Below it are generations of servers, which count. */
const FIRST_OWN_GENERATION = 2 ** 31;

/** What a SET_ACK says. */
export interface SetAck {
  readonly generation: number;
  /** Messages for each ACK. */
  readonly window: number;
}

/** What becomes of an ACK or ACK_SYNC of the client. */
export type Fate =
  /** It goes to the server. */
  | 'pass'
  /** It stays here, and means nothing. */
  | 'drop'
  /** It stays here: the oldest message that was sent under the window of 1 has arrived. */
  | 'arrived'
  /** It stays here: all messages up to the SET_ACK have arrived. */
  | 'synced';

/** The SET_ACK that a body holds; null: none that a server sends. */
export function readSetAck(body: Buffer): SetAck | null {
  if (body.length < SET_ACK_BYTES) return null;
  const window = body.readUInt32LE(4);
  return window === 0 || window > MAX_WINDOW ? null : { generation: body.readUInt32LE(0), window };
}

/** The body of a SET_ACK. */
export function setAckBody({ generation, window }: SetAck): Buffer {
  const body = Buffer.alloc(SET_ACK_BYTES);
  body.writeUInt32LE(generation, 0);
  body.writeUInt32LE(window, 4);
  return body;
}

/** Keeps both counts of one channel right. */
export class AckAgent {
  /** What the server last said; null: nothing yet, or nothing that could be read. */
  private server: SetAck | null = null;
  /** Messages of the server up to and with that SET_ACK. */
  private base = 0;
  /** ACKs that the server was given since. */
  private given = 0;
  /** The server knows that its SET_ACK has arrived: only then it counts ACKs. */
  private serverSynced = false;
  /** Generations of SET_ACKs that the client has not answered, in their order, and whether each brings the window of 1. */
  private readonly unanswered: { readonly generation: number; readonly ours: boolean }[] = [];
  /** The client counts by a window of 1. */
  private single = false;
  /** The client has answered a SET_ACK by which its ACKs are the server's. */
  private clientSynced = false;
  private ours = false;
  /** Of a SET_ACK of the proxy's own. */
  private lastGeneration = randomInt(FIRST_OWN_GENERATION, U32);

  /** Whether the server's window is known, so that its ACKs can be taken over. */
  get ready(): boolean {
    return this.server !== null;
  }

  /** The server's window; null: not known. */
  get window(): number | null {
    return this.server?.window ?? null;
  }

  /** Whether the client's ACKs stay here. */
  get owns(): boolean {
    return this.ours;
  }

  /** Whether a SET_ACK is on its way to the client that it has not answered. */
  get waits(): boolean {
    return this.unanswered.length > 0;
  }

  /** Whether every ACK of the client is for one message: its SET_ACK has been answered. */
  get counts(): boolean {
    return this.ours && this.single && this.unanswered.length === 0;
  }

  /**
   * The server's SET_ACK has come while the channel is plain: it goes to the client as it is.
   *
   * @param messages the server's messages so far, this one included
   */
  relayed(setAck: SetAck, messages: number): void {
    this.begin(setAck, messages);
    this.serverSynced = false;
    this.clientSynced = false;
    this.unanswered.push({ generation: setAck.generation, ours: false });
  }

  /**
   * The server's SET_ACK has come while its ACKs are ours. The server must be sent an ACK_SYNC of its generation at once.
   *
   * @returns what the client is to be sent in its place
   */
  taken(setAck: SetAck, messages: number): SetAck {
    this.begin(setAck, messages);
    this.serverSynced = true;
    this.ours = true;
    return this.askOne();
  }

  /** The server's window has changed and it is not known to what: nothing can be taken over any more. */
  lose(): void {
    this.server = null;
    this.serverSynced = false;
  }

  /**
   * Takes the ACKs over in the middle of the stream.
   *
   * @returns the SET_ACK that the client must be sent between two messages, and the generation that the server must be
   *   sent an ACK_SYNC of, where the client has not sent it; null: it did
   */
  takeOver(): { readonly toClient: SetAck; readonly sync: number | null } {
    const sync = this.serverSynced || this.server === null ? null : this.server.generation;
    this.serverSynced = true;
    this.ours = true;
    return { toClient: this.askOne(), sync };
  }

  /** Gives the ACKs back. @returns the SET_ACK that the client must be sent behind all that was kept */
  handBack(): SetAck {
    const window = this.server?.window ?? 1;
    const generation = this.nextGeneration();
    this.ours = false;
    this.clientSynced = false;
    this.unanswered.push({ generation, ours: false });
    return { generation, window };
  }

  /** How many ACKs the server may be given, with so many messages of it here. */
  due(messages: number): number {
    if (!this.ours || this.server === null) return 0;
    return Math.floor((messages - this.base) / this.server.window) - this.given;
  }

  /** The server was given an ACK. */
  acknowledged(): void {
    this.given += 1;
  }

  /** The client has sent an ACK. @param messages the server's messages so far */
  clientAck(messages: number): Fate {
    // By a window of 1 also where the next SET_ACK is on its way: the ACK is for a message before it, or for itself.
    if (this.single) return this.ours ? 'arrived' : 'drop';
    return this.ours ? 'drop' : this.relay(messages);
  }

  /** The client has sent an ACK_SYNC. */
  clientSync(generation: number): Fate {
    const at = this.unanswered.findIndex((asked) => asked.generation === generation);
    const answered = this.unanswered[at];
    // A generation that nobody has asked for.
    if (answered === undefined) return this.ours || this.serverSynced ? 'drop' : 'pass';
    this.unanswered.splice(0, at + 1);
    this.single = answered.ours;
    this.clientSynced = !answered.ours;
    if (answered.ours) return 'synced';
    if (this.serverSynced || generation !== this.server?.generation) return 'drop';
    this.serverSynced = true;
    return 'pass';
  }

  /** An ACK by the server's window. */
  private relay(messages: number): Fate {
    // A server that has heard of no ACK_SYNC does not count it.
    if (this.server === null || !this.serverSynced) return 'pass';
    if (!this.clientSynced) return 'drop';
    // The SET_ACK itself counts on the server's side: an ACK is early only where it has sent less than a window.
    if ((this.given + 1) * this.server.window > messages - this.base + 1) return 'drop';
    this.given += 1;
    return 'pass';
  }

  private begin(setAck: SetAck, messages: number): void {
    this.server = setAck;
    this.base = messages;
    this.given = 0;
  }

  private askOne(): SetAck {
    const generation = this.nextGeneration();
    this.unanswered.push({ generation, ours: true });
    return { generation, window: 1 };
  }

  private nextGeneration(): number {
    const next = this.lastGeneration + 1;
    this.lastGeneration = next < U32 ? next : FIRST_OWN_GENERATION;
    return this.lastGeneration;
  }
}
