// SPDX-License-Identifier: Apache-2.0
// One channel of a message screen towards its client: sends messages one after the other, and hands over what the client
// sends. It ends when the client goes, when its time is over, and when the process says so.
import { inTenths } from '../../net/deadline.js';
import type { ClientConnection } from '../connection/client-connection.js';
import {
  ClientMessages,
  type ClientMessage,
  type KeptBodies,
  type Unread,
} from '../spice/client-messages.js';
import { messageHeader } from '../spice/message-header.js';

/** What a client may send on one channel while a screen is shown, in bytes: many times what somebody types in that time. */
const MAX_BYTES_UP = 4 * 1024 * 1024;

/** Why a channel ended, for the log. */
export type ScreenEnd =
  'client left' | 'time is over' | 'ended' | 'no display' | 'client broke the protocol' | 'failed';

/** What is sent on one channel, and what becomes of what the client sends. */
export interface ScreenPart {
  readonly keep: KeptBodies;
  /** The channel is open. */
  start(): void;
  /** The client has sent a message. */
  message(message: ClientMessage): void;
}

/** Where the channel's stream is when the screen begins. */
export interface ScreenStart extends Unread {
  /** Of the last message that the client was sent. */
  readonly serial: bigint;
}

/** The channel. */
export class ScreenChannel {
  private serial: bigint;
  private bytesUp = 0;
  private last: Promise<void>;
  private finished = false;
  private readonly timers = new Set<NodeJS.Timeout>();
  private settle: (how: ScreenEnd) => void = () => undefined;

  constructor(
    private readonly connection: ClientConnection,
    private readonly miniHeader: boolean,
    private readonly begins: ScreenStart,
  ) {
    this.serial = begins.serial;
    // Behind what a relay has written: an empty write ends when that has gone out.
    this.last = connection.client.writableLength === 0 ? Promise.resolve() : this.write(Buffer.alloc(0));
  }

  /**
   * Carries the channel until it ends.
   *
   * @param seconds after which it ends
   */
  run(part: ScreenPart, seconds: number): Promise<ScreenEnd> {
    const { client, signal } = this.connection;
    const { bodyLeft, bytes: early } = this.begins;
    const messages = new ClientMessages(this.miniHeader, part.keep, bodyLeft);
    const take = (chunk: Buffer): void => {
      this.bytesUp += chunk.length;
      if (this.bytesUp > MAX_BYTES_UP) {
        this.end('client broke the protocol');
        return;
      }
      try {
        for (const message of messages.push(chunk)) part.message(message);
      } catch {
        this.end('client broke the protocol');
      }
    };
    return new Promise<ScreenEnd>((resolve) => {
      this.settle = resolve;
      this.after(seconds * 1000, () => this.end('time is over'));
      // A signal that was raised before is the order that the screen is about.
      signal.addEventListener('abort', () => this.end(client.destroyed ? 'client left' : 'ended'));
      client.once('close', () => this.end('client left'));
      if (client.destroyed) {
        this.end('client left');
        return;
      }
      this.connection.readBy({ data: take, end: () => this.end('client left') });
      part.start();
      if (early.length > 0) take(early);
      client.resume();
    });
  }

  /**
   * Sends a message behind those before it. Each is written once the one before has left the stream, which would join them
   * in one TLS record (see spice/message-walker.ts).
   */
  send(type: number, body: Buffer): Promise<void> {
    this.last = this.last.then(() => this.write(this.frame(type, body)));
    return this.last;
  }

  /** Does something later, unless the channel has ended by then. */
  after(milliseconds: number, work: () => void): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      work();
    }, inTenths(milliseconds));
    this.timers.add(timer);
  }

  /** Whether the channel has ended. */
  get over(): boolean {
    return this.finished;
  }

  /** Ends the channel. */
  end(how: ScreenEnd): void {
    if (this.finished) return;
    this.finished = true;
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
    this.connection.readBy(null);
    this.settle(how);
  }

  private write(bytes: Buffer): Promise<void> {
    const { client } = this.connection;
    if (this.finished || !client.writable) return Promise.resolve();
    return new Promise((resolve) => client.write(bytes, () => resolve()));
  }

  private frame(type: number, body: Buffer): Buffer {
    this.serial += 1n;
    const header = messageHeader(this.miniHeader, { type, size: body.length, serial: this.serial });
    return Buffer.concat([header, body]);
  }
}
