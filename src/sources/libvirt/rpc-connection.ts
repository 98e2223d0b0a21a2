// SPDX-License-Identifier: Apache-2.0
// One connection to a libvirt daemon: calls that wait for their replies, events, and pings both ways (virkeepaliveprotocol.x). Whatever
// is wrong with its bytes ends it, and so does a call that is not answered in time: what the daemon does then is unknown.
import type { Duplex } from 'node:stream';
import { Unavailable } from '../../exception.js';
import { shownText } from '../platform-api.js';
import { encodeMessage, KEEPALIVE, MessageReader, PROGRAM, STATUS, TYPE, type Message } from './message.js';
import { remoteError } from './remote.js';
import { XdrFault } from './xdr.js';

/** The daemon answered a call with an error. */
export class LibvirtRefused extends Unavailable {
  constructor(
    /** virErrorNumber. */
    readonly code: number,
    message: string,
  ) {
    super(message);
  }
}

interface Pending {
  resolve(payload: Buffer): void;
  reject(error: Error): void;
}

/** Milliseconds of silence after which the daemon is asked whether it lives, and pings in a row without an answer. */
const PING_MS = 5000;
const MAX_PINGS = 3;
const NOTHING = Buffer.alloc(0);

/** One connection. */
export class RpcConnection {
  private readonly reader = new MessageReader();
  private readonly pending = new Map<number, Pending>();
  private serial = 0;
  private pings = 0;
  private fault: Unavailable | null = null;
  private over = false;
  private readonly pulse: NodeJS.Timeout;
  private onClosed: () => void = () => undefined;
  /** Resolves when it is over. */
  readonly closed = new Promise<void>((resolve) => (this.onClosed = resolve));

  /**
   * @param stream carries bytes already
   * @param place who is asked, for faults: as in `libvirt at kvm1.example.com`
   * @param onEvent takes the payload of an event
   */
  constructor(
    private readonly stream: Duplex,
    private readonly place: string,
    private readonly onEvent: (payload: Buffer) => void,
    pingMs = PING_MS,
  ) {
    stream.on('data', (chunk: Buffer) => this.take(chunk));
    stream.on('error', (error: NodeJS.ErrnoException) =>
      this.fail(`ended the connection (${error.code ?? 'error'})`),
    );
    stream.once('end', () => this.fail('closed the connection'));
    stream.once('close', () => this.fail('closed the connection'));
    this.pulse = setInterval(() => this.beat(), pingMs);
    this.pulse.unref();
    if (stream.destroyed || stream.readableEnded) this.fail('closed the connection');
  }

  /**
   * Calls a procedure of REMOTE_PROGRAM; gives the payload of its reply.
   * @throws LibvirtRefused, Unavailable
   */
  call(procedure: number, args: Buffer, signal: AbortSignal): Promise<Buffer> {
    if (this.over)
      return Promise.reject(this.fault ?? new Unavailable(`${this.place}: the connection is closed`));
    this.serial = (this.serial + 1) >>> 0;
    const { serial } = this;
    return new Promise((resolve, reject) => {
      const late = (): void => this.fail('did not answer in time; see whether it is overloaded or hangs');
      const settle = (act: () => void): void => {
        signal.removeEventListener('abort', late);
        this.pending.delete(serial);
        act();
      };
      this.pending.set(serial, {
        resolve: (payload) => settle(() => resolve(payload)),
        reject: (error) => settle(() => reject(error)),
      });
      signal.addEventListener('abort', late, { once: true });
      this.send({
        ...{ program: PROGRAM.remote, procedure, type: TYPE.call },
        ...{ serial, status: STATUS.ok, payload: args },
      });
      if (signal.aborted) late();
    });
  }

  /** Ends it. */
  close(): void {
    this.end(null);
  }

  private send(message: Message): void {
    this.stream.write(encodeMessage(message));
  }

  private take(chunk: Buffer): void {
    if (this.over) return;
    try {
      for (const message of this.reader.push(chunk)) this.handle(message);
    } catch (error) {
      if (!(error instanceof XdrFault)) throw error;
      this.fail(
        `sent what is not libvirt's protocol: ${error.message}; see whether uri leads to a libvirt daemon`,
      );
    }
  }

  private handle(message: Message): void {
    this.pings = 0;
    const { program, procedure, type, serial } = message;
    if (program === PROGRAM.keepalive) {
      if (procedure === KEEPALIVE.ping) this.keepalive(KEEPALIVE.pong);
      return;
    }
    // Events have serials as well, which say nothing.
    if (program !== PROGRAM.remote) return;
    if (type === TYPE.message) this.onEvent(message.payload);
    else if (type === TYPE.reply) this.reply(message, this.pending.get(serial));
  }

  private reply({ status, payload }: Message, call: Pending | undefined): void {
    if (call === undefined) return;
    if (status === STATUS.ok) {
      call.resolve(payload);
      return;
    }
    const { code, message } = remoteError(payload);
    call.reject(new LibvirtRefused(code, `${this.place}: ${shownText(message)} (error ${String(code)})`));
  }

  private beat(): void {
    if (this.pings >= MAX_PINGS) {
      this.fail('does not answer pings; see whether it hangs, or the network to it is cut');
      return;
    }
    this.pings += 1;
    this.keepalive(KEEPALIVE.ping);
  }

  private keepalive(procedure: number): void {
    this.send({
      ...{ program: PROGRAM.keepalive, procedure, type: TYPE.message },
      ...{ serial: 0, status: STATUS.ok, payload: NOTHING },
    });
  }

  private fail(text: string): void {
    this.end(new Unavailable(`${this.place} ${text}`));
  }

  private end(fault: Unavailable | null): void {
    if (this.over) return;
    this.over = true;
    this.fault = fault;
    clearInterval(this.pulse);
    this.stream.on('error', () => undefined);
    this.stream.destroy();
    const error = fault ?? new Unavailable(`${this.place}: the connection was closed`);
    for (const call of [...this.pending.values()]) call.reject(error);
    this.onClosed();
  }
}
