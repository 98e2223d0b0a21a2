// SPDX-License-Identifier: Apache-2.0
// A leg that is a stream within something else, as a channel of an ssh connection. TLS within it is a socket leg again.
import type { LegStream } from '../connection/leg-stream.js';
import { destroyAfter } from '../../net/deadline.js';
import type { BackendFailed } from '../connection/ends.js';
import { backendFault } from './fault.js';
import type { BackendLeg, ChunkLife, LegReader } from './leg.js';
import type { StreamRoute } from './route.js';

/** One open stream to a backend. */
export class StreamLeg implements BackendLeg {
  readonly chunkLife: ChunkLife = 'kept';
  readonly readyEvent = null;
  readonly secure: boolean;
  private reader: LegReader = () => true;

  constructor(
    readonly socket: LegStream,
    private readonly route: Pick<StreamRoute, 'fault' | 'secure'>,
  ) {
    this.secure = route.secure;
    socket.on('data', (chunk: Buffer) => {
      if (!this.reader(chunk.length, chunk)) socket.pause();
    });
    socket.pause();
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
    destroyAfter(socket, linger);
    socket.destroySoon();
  }
}
