// SPDX-License-Identifier: Apache-2.0
// The usual way to a hypervisor: a TCP connection to its SPICE port, plain or with TLS.
import net from 'node:net';
import tls from 'node:tls';
import { destroyAfter } from '../../net/deadline.js';
import { probeWhenIdle } from '../../net/idle-probes.js';
import { backendTlsOptions } from './tls.js';
import type { BackendLeg, ChunkLife, LegReader } from './leg.js';
import type { BackendTarget } from '../ipc.js';
import type { RelayBuffer } from '../relay/relay-buffer.js';

/** One TCP connection to a backend. */
export class DirectLeg implements BackendLeg {
  readonly socket: net.Socket;
  private reader: LegReader = () => true;

  private constructor(
    make: (leg: DirectLeg) => net.Socket,
    readonly chunkLife: ChunkLife,
  ) {
    this.socket = make(this);
    probeWhenIdle(this.socket);
  }

  /** Dials without TLS; reads go through the worker's buffer. */
  static plain(host: string, port: number, buffers: RelayBuffer): DirectLeg {
    return new DirectLeg(
      (leg) =>
        net.connect({
          host,
          port,
          noDelay: true,
          onread: {
            buffer: buffers.take(),
            callback: (length, buffer) => leg.reader(length, buffer as Buffer),
          },
        }),
      buffers.shared ? 'until_return' : 'until_resume',
    );
  }

  /** Dials with TLS; chunks are the TLS engine's own. */
  static tls(host: string, port: number, target: BackendTarget): DirectLeg {
    return new DirectLeg((leg) => {
      const socket = tls.connect({ ...{ host, port, noDelay: true }, ...backendTlsOptions(target, host) });
      socket.on('data', (chunk: Buffer) => {
        if (!leg.reader(chunk.length, chunk)) socket.pause();
      });
      return socket;
    }, 'kept');
  }

  get readyEvent(): string {
    return this.secure ? 'secureConnect' : 'connect';
  }

  get secure(): boolean {
    return this.socket instanceof tls.TLSSocket;
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
