// SPDX-License-Identifier: Apache-2.0
// Reads the PROXY protocol header of a load balancer's connection. The bytes behind it stay in the socket for the next
// reader.
import type { Socket } from 'node:net';
import { decodeProxyHeader, ProxyHeaderError, type ProxyHeader } from '../../net/proxy-protocol/decoder.js';

/** How the wait for a header ended. */
export type ProxyHeaderOutcome =
  | { readonly kind: 'header'; readonly header: ProxyHeader }
  /** Closed without a byte: a health check that only connects. */
  | { readonly kind: 'silent' }
  | { readonly kind: 'fault'; readonly detail: string };

/**
 * Reads the header; the socket stays paused with the bytes behind it in its buffer.
 *
 * @param timeout seconds the header may take
 * @param done called once
 */
export function receiveProxyHeader(
  socket: Socket,
  timeout: number,
  done: (outcome: ProxyHeaderOutcome) => void,
): void {
  let held: Buffer = Buffer.alloc(0);
  const finish = (outcome: ProxyHeaderOutcome): void => {
    clearTimeout(deadline);
    socket.off('readable', onReadable);
    socket.off('end', onEnd);
    socket.off('close', onEnd);
    done(outcome);
  };
  // 'readable', not 'data': the bytes stay in the socket's buffer while nobody reads, and TLS takes them from there.
  const onReadable = (): void => {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) return;
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    const outcome = examine(held);
    if (outcome === null) return;
    if (outcome.kind === 'header' && held.length > outcome.header.length)
      socket.unshift(held.subarray(outcome.header.length));
    finish(outcome);
  };
  const onEnd = (): void =>
    finish(
      held.length === 0
        ? { kind: 'silent' }
        : { kind: 'fault', detail: 'closed within the PROXY protocol header' },
    );
  const deadline = setTimeout(
    () => finish({ kind: 'fault', detail: `no PROXY protocol header within ${timeout} s` }),
    timeout * 1000,
  );
  socket.on('readable', onReadable);
  socket.once('end', onEnd);
  socket.once('close', onEnd);
}

function examine(held: Buffer): ProxyHeaderOutcome | null {
  try {
    const header = decodeProxyHeader(held);
    return header === null ? null : { kind: 'header', header };
  } catch (error) {
    if (error instanceof ProxyHeaderError) return { kind: 'fault', detail: error.message };
    throw error;
  }
}
