// SPDX-License-Identifier: Apache-2.0
// Writes to a backend: in whatever records TLS makes of it, with the stream's own back pressure.
import type { Writable } from 'node:stream';
import type { Sink } from './sink.js';

/** The backend's end of the up direction. */
export class BackendWriter implements Sink {
  drained: () => void = () => undefined;
  private full = false;

  constructor(private readonly backend: Writable) {
    backend.on('drain', () => {
      this.full = false;
      this.drained();
    });
  }

  get busy(): boolean {
    return this.full;
  }

  write(bytes: Buffer): boolean {
    if (this.backend.write(bytes)) return true;
    this.full = true;
    return false;
  }
}
