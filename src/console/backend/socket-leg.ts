// SPDX-License-Identifier: Apache-2.0
// A leg that is one socket of this process: TCP or a unix socket, plain or with TLS.
import net from 'node:net';
import tls, { type ConnectionOptions } from 'node:tls';
import { destroyAfter } from '../../net/deadline.js';
import { probeWhenIdle } from '../../net/idle-probes.js';
import type { BackendFailed } from '../connection/ends.js';
import type { LegStream } from '../connection/leg-stream.js';
import { backendFault } from './fault.js';
import type { BackendLeg, ChunkLife, LegReader } from './leg.js';
import type { Route } from './route.js';
import type { RelayBuffer } from '../relay/relay-buffer.js';

/** One socket to a backend, or to what leads there. */
export class SocketLeg implements BackendLeg {
  readonly socket: net.Socket;
  private reader: LegReader = () => true;
  private readonly onChunk = (chunk: Buffer): void => {
    if (!this.reader(chunk.length, chunk)) this.socket.pause();
  };

  private constructor(
    make: (leg: SocketLeg) => net.Socket,
    readonly chunkLife: ChunkLife,
    private readonly route: Pick<Route, 'fault'>,
  ) {
    this.socket = make(this);
  }

  /** Dials without TLS; reads go through the worker's buffer. */
  static plain(route: Route, buffers: RelayBuffer): SocketLeg {
    const leg = new SocketLeg(
      (made) =>
        net.connect({
          ...route.dialled,
          noDelay: true,
          onread: {
            buffer: buffers.take(),
            callback: (length, buffer) => made.reader(length, buffer as Buffer),
          },
        }),
      buffers.shared ? 'until_return' : 'until_resume',
      route,
    );
    probeWhenIdle(leg.socket);
    return leg;
  }

  /** Dials with TLS; chunks are the TLS engine's own. */
  static tls(route: Route, options: ConnectionOptions): SocketLeg {
    const leg = SocketLeg.ofChunks(
      route,
      tls.connect({ ...route.dialled, ...{ noDelay: true }, ...options }),
    );
    probeWhenIdle(leg.socket);
    return leg;
  }

  /** Dials for TLS that comes later. */
  static raw(route: Route): SocketLeg {
    const leg = SocketLeg.ofChunks(route, net.connect({ ...route.dialled, noDelay: true }));
    probeWhenIdle(leg.socket);
    return leg;
  }

  /** TLS within a leg that was dialled for it. @param early the first bytes of it */
  static tlsWithin(raw: SocketLeg, early: Buffer, options: ConnectionOptions): SocketLeg {
    const { socket, route } = raw;
    socket.off('data', raw.onChunk);
    socket.pause();
    if (early.length > 0) socket.unshift(early);
    return SocketLeg.ofChunks(route, tls.connect({ ...options, socket }));
  }

  /** TLS within a stream that is no socket. */
  static tlsOver(stream: LegStream, options: ConnectionOptions): SocketLeg {
    return SocketLeg.ofChunks({}, tls.connect({ ...options, socket: stream }));
  }

  private static ofChunks(route: Pick<Route, 'fault'>, socket: net.Socket): SocketLeg {
    const leg = new SocketLeg(() => socket, 'kept', route);
    socket.on('data', leg.onChunk);
    return leg;
  }

  get readyEvent(): string | null {
    const { socket } = this;
    if (socket instanceof tls.TLSSocket) return 'secureConnect';
    return socket.connecting ? 'connect' : null;
  }

  get secure(): boolean {
    return this.socket instanceof tls.TLSSocket;
  }

  failed(error: NodeJS.ErrnoException): BackendFailed {
    return this.route.fault?.(error) ?? backendFault(error);
  }

  read(reader: LegReader): void {
    this.reader = reader;
  }

  resume(): void {
    if (!this.socket.destroyed) this.socket.resume();
  }

  end(linger: number): void {
    const { socket } = this;
    if (socket.destroyed) return;
    // With all of it in the system's hands there is nothing to wait for: closing says the same as shutting down first.
    if (!this.secure && socket.writableLength === 0) {
      socket.destroy();
      return;
    }
    destroyAfter(socket, linger);
    socket.destroySoon();
  }
}
