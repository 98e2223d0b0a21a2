// SPDX-License-Identifier: Apache-2.0
// The relay step: carries bytes both ways until an end. Down (backend to client) goes in lockstep: a chunk is read,
// walked and written; while that write is not done, or after a read that filled the buffer, nothing more is read.
// So one buffer serves all connections of the worker, nobody starves, and a slow client stops its backend. Up is
// ordinary stream back pressure. The walker says where a chunk must be cut for the record rule of client-writer.ts.
import type { Backend } from '../backend/open.js';
import type { ClientConnection, Traffic } from '../connection/client-connection.js';
import { ConnectionEnded } from '../connection/ends.js';
import type { CloseReason } from '../../close-reason.js';
import { messagePolicy, type Direction } from '../firewall/allow-list.js';
import type { Grant, Verdict } from '../ipc.js';
import type { ClientLink } from '../connection/link.js';
import { ClientWriter } from './client-writer.js';
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
  private readonly writer: ClientWriter;
  /** Whether the backend's reading waits for the client to take what was written. */
  private paused = false;
  private upBlocked = false;
  private stopped = false;
  private identityDeadline: NodeJS.Timeout | undefined;
  private settle: (fault: Error) => void = () => undefined;
  private readonly onClientData = (chunk: Buffer): void => this.carryUp(chunk);

  constructor(
    private readonly connection: ClientConnection,
    private readonly worker: WorkerContext,
    private readonly link: ClientLink,
    grant: Grant,
    private readonly backend: Backend,
  ) {
    const { channelType } = link.message;
    this.writer = new ClientWriter(connection.client);
    this.writer.drained = () => {
      if (this.paused) this.goOn();
    };
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
    if (this.writer.busy) return 'client';
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
    const more = this.writer.write(buffer.subarray(0, length), cut, chunkLife);
    // After a read that filled the buffer libuv would call again at once, before the write's end is told.
    const filled = chunkLife === 'until_return' && length === buffer.length;
    this.paused = !more || filled || chunkLife === 'until_resume';
    return !this.paused;
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
    if (this.stopped) return;
    if (last === null) this.goOn();
    else if (first === null) this.writer.write(last, 0, 'kept');
    else this.writer.write(Buffer.concat([first, last]), first.length, 'kept');
  }

  private end(reason: CloseReason, detail = ''): void {
    if (!this.stopped) this.stop(new ConnectionEnded(reason, detail));
  }

  /** No byte moves from here on; what was written goes out when close.ts ends the legs. */
  private stop(fault: Error): void {
    if (this.stopped) return;
    this.stopped = true;
    this.writer.end();
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
