// SPDX-License-Identifier: Apache-2.0
// The start-up proof that one read buffer may serve all connections: TLS must have encrypted a chunk by the time
// write() returns. That is how Node works and not what it promises, so every worker sees for itself, with its own
// certificate, against a client that does not read.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { addAbortSignal } from 'node:stream';
import tls, { type TLSSocket } from 'node:tls';
import { signalWithin } from '../../net/deadline.js';
import type { TlsMaterial } from '../../tls/certificates.js';

const CHUNK_BYTES = 131_072;
const CHUNKS = 48;
const TIMEOUT_MS = 5000;

/**
 * True when TLS writes consume their buffer before they return; false when not, or when the test itself failed.
 *
 * @param material the certificate to serve with
 */
export async function tlsWritesConsumeTheirBuffer(material: TlsMaterial): Promise<boolean> {
  const server = tls.createServer({
    cert: [...material.cert],
    key: [...material.key],
    minVersion: 'TLSv1.2',
  });
  // Of this process alone: workers that share the port would get each other's connections.
  server.listen({ port: 0, host: '127.0.0.1', exclusive: true });
  const deadline = signalWithin(TIMEOUT_MS);
  try {
    await once(server, 'listening', { signal: deadline });
    const { port } = server.address() as AddressInfo;
    const reader = addAbortSignal(
      deadline,
      tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false }),
    );
    // A handshake that fails ends the test by the deadline, not the worker by an error that nobody takes.
    reader.on('error', () => undefined);
    try {
      const [writer] = (await once(server, 'secureConnection', { signal: deadline })) as [TLSSocket];
      return await arrivesIntact(writer, reader);
    } finally {
      reader.destroy();
    }
  } catch {
    return false;
  } finally {
    server.close();
  }
}

/** Spoils the buffer after each write, lets the reader start only when the socket is full, compares. */
async function arrivesIntact(writer: TLSSocket, reader: TLSSocket): Promise<boolean> {
  const scratch = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  let sent = 0;
  writer.on('error', () => undefined);
  const sendNext = (): void => {
    if (sent === CHUNKS) return;
    scratch.fill(1 + (sent % 250));
    sent += 1;
    writer.write(scratch, sendNext);
    scratch.fill(0);
  };
  sendNext();
  let received = 0;
  let intact = true;
  for await (const [chunk] of chunksOf(reader)) {
    intact &&= isPattern(chunk, received);
    received += chunk.length;
    if (received === CHUNKS * CHUNK_BYTES) break;
  }
  writer.destroy();
  return intact && received === CHUNKS * CHUNK_BYTES;
}

async function* chunksOf(reader: TLSSocket): AsyncGenerator<[Buffer]> {
  await new Promise((resolve) => setTimeout(resolve, 20));
  for await (const chunk of reader) {
    yield [chunk as Buffer];
  }
}

function isPattern(chunk: Buffer, from: number): boolean {
  let at = 0;
  while (at < chunk.length) {
    const index = Math.floor((from + at) / CHUNK_BYTES);
    const end = Math.min(chunk.length, (index + 1) * CHUNK_BYTES - from);
    const expected = Buffer.alloc(end - at, 1 + (index % 250));
    if (!chunk.subarray(at, end).equals(expected)) return false;
    at = end;
  }
  return true;
}
