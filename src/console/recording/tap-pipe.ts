// SPDX-License-Identifier: Apache-2.0
// The worker's end of the pipe by which its parent gets what is recorded or inspected. What waits in it is bounded: beyond
// that the channels are as fast as the parent, and when the parent takes nothing at all, they go on without being recorded.
import { Socket } from 'node:net';
import { systemTimers, type Timers } from '../../net/timers.js';
import { TAP_DESCRIPTOR, writeTapFrame, type TapFrame } from '../recording-wire.js';
import { OutgoingBlocks } from './outgoing-blocks.js';

/** Bytes that may wait before channels stand, and after which they go on. */
const HIGH_BYTES = 4 * 1024 * 1024;
const LOW_BYTES = 1024 * 1024;
/** Bytes that are written together, and milliseconds that fewer may wait: a write for each message costs more than the copy. */
const GATHER_BYTES = 128 * 1024;
const GATHER_MS = 20;
/** Milliseconds that channels stand for while the parent takes nothing. */
const PATIENCE_MS = 1000;

/** A channel that is told of. */
export interface PipeUser {
  /** Let nothing more come. */
  stand(): void;
  /** Go on. */
  goOn(): void;
  /** Nothing more of the channel is told. */
  lost(): void;
}

/** Where the bytes go: a socket, as far as the pipe needs one. */
export interface PipeSocket {
  write(bytes: Buffer, done: () => void): boolean;
  cork(): void;
  uncork(): void;
  readonly writableLength: number;
  on(event: 'drain' | 'error', listener: () => void): unknown;
}

/** Sends the frames of all channels of a worker. */
export class TapPipe {
  private readonly blocks = new OutgoingBlocks();
  /** Bytes that were appended since the last flush. */
  private gathered = 0;
  private flushing = false;
  /** Ends the wait for more bytes; null: nothing waits. */
  private gathering: (() => void) | null = null;
  private readonly users = new Set<PipeUser>();
  /** Ends the wait for the parent; null: the channels go. */
  private standing: (() => void) | null = null;
  /** The parent has taken something since the wait began. */
  private taken = false;
  private socket: PipeSocket | null = null;
  private broken = false;
  private next = 1;

  /** @param open gives the socket, when the first channel wants it */
  constructor(
    private readonly open: () => PipeSocket = inheritedSocket,
    private readonly timers: Timers = systemTimers,
  ) {}

  /** The number of one more channel. */
  join(user: PipeUser): number {
    this.users.add(user);
    if (this.broken) user.lost();
    return this.next++;
  }

  /** A channel is told of no more. */
  leave(user: PipeUser): void {
    this.users.delete(user);
  }

  /** Sends a frame: data soon, with what else there is by then, and what begins or ends a channel at the end of this turn. */
  send(frame: TapFrame): void {
    if (this.broken) return;
    this.gathered += writeTapFrame(frame, (bytes) => this.blocks.append(bytes));
    if (frame.kind !== 'data' || this.gathered >= GATHER_BYTES) this.flushSoon();
    else this.gathering ??= this.timers.after(GATHER_MS, () => this.flush());
  }

  private flushSoon(): void {
    if (this.flushing) return;
    this.flushing = true;
    setImmediate(() => this.flush());
  }

  private flush(): void {
    this.flushing = false;
    this.gathered = 0;
    this.gathering?.();
    this.gathering = null;
    const socket = (this.socket ??= this.begin());
    if (this.broken) return;
    socket.cork();
    this.blocks.flush((bytes, done) =>
      socket.write(bytes, () => {
        this.taken = true;
        done();
      }),
    );
    socket.uncork();
    if (socket.writableLength > HIGH_BYTES) this.stand();
    else if (this.standing !== null) this.watch();
  }

  private begin(): PipeSocket {
    const socket = this.open();
    socket.on('drain', () => this.watch());
    socket.on('error', () => {
      this.broken = true;
      this.lose();
    });
    return socket;
  }

  private stand(): void {
    if (this.standing !== null) return;
    this.wait();
    for (const user of [...this.users]) user.stand();
    this.watch();
  }

  private wait(): void {
    this.taken = false;
    this.standing = this.timers.after(PATIENCE_MS, () => {
      // A parent that is slow, because the machine is, slows the channels down; one that hangs does not stop them.
      if (this.taken) this.wait();
      else this.lose();
    });
  }

  /** Lets the channels go on once little waits. */
  private watch(): void {
    if (this.standing === null || this.broken || (this.socket?.writableLength ?? 0) > LOW_BYTES) return;
    this.standing();
    this.standing = null;
    for (const user of [...this.users]) user.goOn();
  }

  /** The parent takes nothing: the channels of now go on, and are lost. */
  private lose(): void {
    this.standing?.();
    this.standing = null;
    const users = [...this.users];
    this.users.clear();
    for (const user of users) {
      user.goOn();
      user.lost();
    }
  }
}

function inheritedSocket(): PipeSocket {
  const socket = new Socket({ fd: TAP_DESCRIPTOR, readable: false, writable: true });
  socket.unref();
  return socket;
}
