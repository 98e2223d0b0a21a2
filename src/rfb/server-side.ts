// SPDX-License-Identifier: Apache-2.0
// The handshake with a VNC client whose right to be there is settled already: security type None, and its ClientInit. Its
// ServerInit is somebody else's.
import { ByteQueue } from './byte-queue.js';
import { RfbFault, SECURITY, VERSION } from './wire.js';

/** What is to be done next. */
export type RfbServerStep =
  | { readonly kind: 'send'; readonly bytes: Buffer }
  /** It waits for ServerInit; `rest` is what it has sent already. */
  | { readonly kind: 'done'; readonly rest: Buffer };

const OFFER = Buffer.from([1, SECURITY.none]);
const OK = Buffer.alloc(4);

/** One handshake. */
export class RfbServer {
  private readonly queue = new ByteQueue();
  private state: 'start' | 'version' | 'type' | 'init' | 'done' = 'start';

  /** Adds bytes of the client. @throws RfbFault when too many are unread */
  push(chunk: Buffer): void {
    this.queue.push(chunk);
  }

  /** The next step; null: more bytes are needed, or it is done. @throws RfbFault */
  next(): RfbServerStep | null {
    switch (this.state) {
      case 'start':
        this.state = 'version';
        return { kind: 'send', bytes: VERSION };
      case 'version': {
        const version = this.queue.take(VERSION.length);
        if (version === null) return null;
        if (!version.equals(VERSION)) throw new RfbFault('protocol', 'the client does not speak RFB 3.8');
        this.state = 'type';
        return { kind: 'send', bytes: OFFER };
      }
      case 'type': {
        const type = this.queue.take(1);
        if (type === null) return null;
        if (type[0] !== SECURITY.none)
          throw new RfbFault('protocol', 'the client chose a security type that was not offered');
        this.state = 'init';
        return { kind: 'send', bytes: OK };
      }
      case 'init':
        if (this.queue.take(1) === null) return null;
        this.state = 'done';
        return { kind: 'done', rest: this.queue.takeAll() };
      case 'done':
        return null;
    }
  }
}
