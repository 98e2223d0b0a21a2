// SPDX-License-Identifier: Apache-2.0
// The relay step: carries bytes both ways until an end. Down (backend to client) goes in lockstep: a chunk is read,
// walked and written; while that write is not done, or after a read that filled the buffer, nothing more is read.
// So one buffer serves all connections of the worker, nobody starves, and a slow client stops its backend. Up is
// ordinary stream back pressure.
//
// Every write to the client ends in a TLS record that completes one message at most: spice-gtk waits on its socket
// and never asks OpenSSL for what is left, so a message that shares the last record with the one before it would
// lie unread until more bytes come. The walker says where a chunk must be cut for that.
import type { Backend } from '../backend/open.js';
import type { ClientConnection, Traffic } from '../connection/client-connection.js';
import { ConnectionEnded } from '../connection/ends.js';
import type { CloseReason } from '../close-reason.js';
import { messagePolicy, type Direction } from '../firewall/allow-list.js';
import type { Grant, Verdict } from '../ipc.js';
import type { ClientLink } from '../connection/link.js';
import { MainRules } from './main-rules.js';
import { hasCap } from '../spice/capabilities.js';
import { CHANNEL, channelName, MAIN_CAP } from '../spice/constants.js';
import { MessageWalker } from '../spice/message-walker.js';
import type { WorkerContext } from '../connection/worker-context.js';

/** Carries one channel. */
export class Relay implements Traffic {
  bytesUp = 0;
  bytesDown = 0;
  private readonly up: MessageWalker;
  private readonly down: MessageWalker;
  private readonly main: MainRules | null;
  /** Writes to the client whose end has not been told: two at most, the parts of one chunk. */
  private inFlight = 0;
  /** A chunk that came while the one before it was in flight, and where it is cut. */
  private queued: Buffer | null = null;
  private queuedCut = 0;
  /** Whether the backend's reading waits for the writes in flight. */
  private paused = false;
  private upBlocked = false;
  private stopped = false;
  private identityDeadline: NodeJS.Timeout | undefined;
  private settle: (fault: Error) => void = () => undefined;
  private readonly onWritten = (): void => this.written();
  private readonly onClientData = (chunk: Buffer): void => this.carryUp(chunk);

  constructor(
    private readonly connection: ClientConnection,
    private readonly worker: WorkerContext,
    private readonly link: ClientLink,
    grant: Grant,
    private readonly backend: Backend,
  ) {
    const { channelType } = link.message;
    const enforce = worker.settings.firewall.mode === 'enforce';
    const policy = (direction: Direction) =>
      messagePolicy(channelType, direction, worker.settings.proxy.maxMessageSize, enforce);
    this.up = new MessageWalker(link.miniHeader, policy('up'));
    this.down = new MessageWalker(link.miniHeader, policy('down'));
    const asked = hasCap(link.message.channelCaps, MAIN_CAP.NAME_AND_UUID);
    this.main =
      channelType === CHANNEL.main
        ? new MainRules(link.miniHeader, grant, worker.control, asked, () => this.identified())
        : null;
  }

  /**
   * Relays until one side ends.
   *
   * @throws ConnectionEnded always, with the reason of the end
   */
  run(): Promise<never> {
    const { client, signal } = this.connection;
    const { socket } = this.backend.leg;
    this.connection.traffic = this;
    return new Promise<never>((_resolve, reject) => {
      this.settle = reject;
      signal.addEventListener('abort', () => this.stop(signal.reason as Error), { once: true });
      client.once('end', () => this.end('client closed'));
      client.once('close', () => this.end('client connection lost'));
      socket.once('end', () => this.end('backend closed'));
      socket.once('close', () => this.end('backend connection lost'));
      if (signal.aborted) this.stop(signal.reason as Error);
      // A leg that broke before it was listened to tells nothing more.
      if (client.destroyed) this.end('client connection lost');
      if (socket.destroyed) this.end('backend connection lost');
      if (this.main?.waiting === true) this.awaitIdentity();
      else this.startUp();
      this.startDown();
    });
  }

  verdicts(): Verdict[] {
    return [
      ...this.verdictsOf(this.up, 'client_to_server'),
      ...this.verdictsOf(this.down, 'server_to_client'),
    ];
  }

  blockedLeg(): 'client' | 'backend' | null {
    if (this.inFlight > 0) return 'client';
    return this.upBlocked ? 'backend' : null;
  }

  /** The client's bytes wait until the guest has shown that it is the right one. */
  private awaitIdentity(): void {
    const { backendTimeout } = this.worker.settings.proxy;
    this.identityDeadline = setTimeout(
      () => this.end('guest not identified', `no UUID within ${backendTimeout} s`),
      backendTimeout * 1000,
    );
  }

  private identified(): void {
    clearTimeout(this.identityDeadline);
    if (!this.stopped) this.startUp();
  }

  private startUp(): void {
    const { client } = this.connection;
    const { socket } = this.backend.leg;
    socket.on('drain', () => {
      this.upBlocked = false;
      client.resume();
    });
    client.on('data', this.onClientData);
    if (this.link.rest.length > 0) this.carryUp(this.link.rest);
    if (!this.upBlocked) client.resume();
  }

  private startDown(): void {
    const { leg, early } = this.backend;
    if (this.stopped) return;
    const carry = this.main === null ? this.carryDown.bind(this) : this.carryMain.bind(this);
    leg.read(carry);
    if (early.length === 0 || carry(early.length, early)) leg.resume();
  }

  private carryUp(chunk: Buffer): void {
    if (this.stopped) return;
    this.bytesUp += chunk.length;
    try {
      this.up.walk(chunk, chunk.length);
    } catch (error) {
      this.end('client broke the protocol', (error as Error).message);
      return;
    }
    if (!this.backend.leg.socket.write(chunk)) {
      this.upBlocked = true;
      this.connection.client.pause();
    }
  }

  /** One chunk of a channel whose bytes nobody needs to see; false: read on when its write is done. */
  private carryDown(length: number, buffer: Buffer): boolean {
    if (this.stopped) return false;
    this.bytesDown += length;
    let cut: number;
    try {
      cut = this.down.walk(buffer, length);
    } catch (error) {
      this.end('backend broke the protocol', (error as Error).message);
      return false;
    }
    const { chunkLife } = this.backend.leg;
    const chunk = buffer.subarray(0, length);
    if (this.inFlight > 0) {
      this.queued = chunkLife === 'until_return' ? Buffer.from(chunk) : chunk;
      this.queuedCut = cut;
      this.paused = true;
      return false;
    }
    this.writeDown(chunk, cut, chunkLife === 'until_return');
    // After a read that filled the buffer libuv would call again at once, before the write's end is told.
    this.paused = chunkLife === 'until_resume' || (chunkLife === 'until_return' && length === buffer.length);
    return !this.paused;
  }

  /** Writes a chunk, in two parts where the record rule wants it. */
  private writeDown(chunk: Buffer, cut: number, copyTail: boolean): void {
    const { client } = this.connection;
    if (cut > 0) {
      this.inFlight = 2;
      client.write(chunk.subarray(0, cut), this.onWritten);
      // The tail waits inside the stream for the first part's end: a shared buffer is long reused by then.
      const tail = chunk.subarray(cut);
      client.write(copyTail ? Buffer.from(tail) : tail, this.onWritten);
    } else {
      this.inFlight = 1;
      client.write(chunk, this.onWritten);
    }
  }

  private written(): void {
    this.inFlight -= 1;
    if (this.inFlight > 0 || this.stopped) return;
    const { queued } = this;
    if (queued !== null) {
      this.queued = null;
      this.writeDown(queued, this.queuedCut, false);
    } else if (this.paused) {
      this.goOn();
    }
  }

  private goOn(): void {
    this.paused = false;
    this.backend.leg.resume();
  }

  /** One chunk of the main channel, whose messages have rules; false: read on when they are written. */
  private carryMain(length: number, buffer: Buffer): boolean {
    if (this.stopped) return false;
    this.bytesDown += length;
    const chunk = buffer.subarray(0, length);
    this.paused = true;
    try {
      this.down.walk(buffer, length);
      this.main?.push(
        this.backend.leg.chunkLife === 'until_return' ? Buffer.from(chunk) : chunk,
        (first, last) => this.writeMain(first, last),
        (fault) => this.stop(fault),
      );
    } catch (error) {
      this.end('backend broke the protocol', (error as Error).message);
    }
    // A chunk of which nothing goes out (yet) is done with already.
    return this.readsOn();
  }

  private readsOn(): boolean {
    return !this.paused && !this.stopped;
  }

  private writeMain(first: Buffer | null, last: Buffer | null): void {
    const { client } = this.connection;
    if (this.stopped) return;
    if (last === null) {
      this.goOn();
      return;
    }
    this.inFlight = first === null ? 1 : 2;
    if (first !== null) client.write(first, this.onWritten);
    client.write(last, this.onWritten);
  }

  private end(reason: CloseReason, detail = ''): void {
    if (!this.stopped) this.stop(new ConnectionEnded(reason, detail));
  }

  /** No byte moves from here on; what was written goes out when close.ts ends the legs. */
  private stop(fault: Error): void {
    if (this.stopped) return;
    this.stopped = true;
    clearTimeout(this.identityDeadline);
    this.backend.leg.read(() => false);
    this.connection.client.off('data', this.onClientData);
    this.settle(fault);
  }

  private verdictsOf(walker: MessageWalker, direction: Verdict['direction']): Verdict[] {
    const channel = channelName(this.link.message.channelType) ?? 'unknown';
    const action = this.worker.settings.firewall.mode === 'enforce' ? 'enforced' : 'observed';
    return [...(walker.verdicts ?? [])].map(([rule, count]) => ({ channel, direction, rule, action, count }));
  }
}
