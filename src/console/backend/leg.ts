// SPDX-License-Identifier: Apache-2.0
// The socket towards a hypervisor, plain or TLS, behind one way of reading: the reader is called with a buffer and
// a length, and answers whether it wants more at once. After `false` nothing is read until resume().
import net from 'node:net';
import tls from 'node:tls';
import { backendTlsOptions } from './tls.js';
import type { BackendTarget } from '../ipc.js';
import type { RelayBuffer } from '../relay/relay-buffer.js';

/**
 * How long a chunk stays intact: until the reader returns, until resume(), or for good (the chunk is the reader's).
 */
export type ChunkLife = 'until_return' | 'until_resume' | 'kept';

/** Takes the first `length` bytes of `buffer`; true: go on reading. */
export type LegReader = (length: number, buffer: Buffer) => boolean;

const KEEPALIVE = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 } as const;

/** One connection to a backend. */
export class BackendLeg {
  readonly socket: net.Socket;
  private reader: LegReader = () => true;

  private constructor(
    make: (leg: BackendLeg) => net.Socket,
    readonly chunkLife: ChunkLife,
  ) {
    this.socket = make(this);
  }

  /** Dials without TLS; reads go through the worker's buffer. */
  static plain(host: string, port: number, buffers: RelayBuffer): BackendLeg {
    return new BackendLeg(
      (leg) =>
        net.connect({
          host,
          port,
          ...KEEPALIVE,
          onread: {
            buffer: buffers.take(),
            callback: (length, buffer) => leg.reader(length, buffer as Buffer),
          },
        }),
      buffers.shared ? 'until_return' : 'until_resume',
    );
  }

  /** Dials with TLS; chunks are the TLS engine's own. */
  static tls(host: string, port: number, target: BackendTarget): BackendLeg {
    return new BackendLeg((leg) => {
      const socket = tls.connect({ host, port, ...KEEPALIVE, ...backendTlsOptions(target, host) });
      socket.on('data', (chunk: Buffer) => {
        if (!leg.reader(chunk.length, chunk)) socket.pause();
      });
      return socket;
    }, 'kept');
  }

  /** The event that says the leg can carry SPICE bytes. */
  get readyEvent(): 'connect' | 'secureConnect' {
    return this.socket instanceof tls.TLSSocket ? 'secureConnect' : 'connect';
  }

  /** Whether the leg is encrypted. */
  get secure(): boolean {
    return this.socket instanceof tls.TLSSocket;
  }

  /** Who takes the next chunks. */
  read(reader: LegReader): void {
    this.reader = reader;
  }

  /** Reads on after the reader answered false. */
  resume(): void {
    if (!this.socket.destroyed) this.socket.resume();
  }
}
