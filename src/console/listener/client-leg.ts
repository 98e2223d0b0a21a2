// SPDX-License-Identifier: Apache-2.0
// The client's leg of a connection. TLS is the first transport; another one (WebSocket) gives its own.
import type { TLSSocket } from 'node:tls';
import type { LegStream } from '../connection/leg-stream.js';

/** The client's leg. */
export interface ClientLeg {
  readonly stream: LegStream;
  /**
   * Whether write() has taken the bytes by the time it returns, as the self test of relay/self-test.ts shows for TLS:
   * only then they may lie in the read buffer that all connections share. Else they are copied for each write.
   */
  readonly takesBytesAtOnce: boolean;
}

/** A client over TLS. */
export function tlsLeg(stream: TLSSocket): ClientLeg {
  return { stream, takesBytesAtOnce: true };
}
