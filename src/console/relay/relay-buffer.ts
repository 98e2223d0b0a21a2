// SPDX-License-Identifier: Apache-2.0
// The buffer that backends are read into. One serves the whole worker, because a chunk is handed to the TLS client
// and encrypted before the next read; where the start-up self test finds that this is not so, each connection
// gets its own.

/** Bytes of the shared buffer: one read of this size is one write to the client. */
export const SHARED_BUFFER_BYTES = 131_072;
/** Bytes of a connection's own buffer, where sharing is not safe. */
export const OWN_BUFFER_BYTES = 65_536;

/** Gives each backend connection the buffer it is read into. */
export class RelayBuffer {
  private readonly buffer: Buffer | null;

  /** @param shared whether one buffer may serve all connections (see self-test.ts) */
  constructor(readonly shared: boolean) {
    this.buffer = shared ? Buffer.allocUnsafeSlow(SHARED_BUFFER_BYTES) : null;
  }

  /** The buffer for one more connection. */
  take(): Buffer {
    return this.buffer ?? Buffer.allocUnsafeSlow(OWN_BUFFER_BYTES);
  }
}
