// SPDX-License-Identifier: Apache-2.0
// What every service and platform is asked with, against servers that send far too much, in each way that HTTP has for it, or
// that send the client elsewhere.
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { HttpClient, HttpFault } from '../../../src/identity/http-client.js';

const MIB = 1024 * 1024;
const WHOLE = 200 * MIB;
/** What is read of one answer, and what may lie in the sockets between beside it. */
const [READ, BETWEEN] = [4 * MIB, 12 * MIB];
/** Bytes of memory that a refused answer may cost: what is read of it, and as much again that waits for the collector. */
const MOST_MEMORY = 40 * MIB;
const PIECE = Buffer.alloc(64 * 1024, ' ');

let server: Server;
let sent: number;
let closed: Promise<unknown>;
let give: (response: ServerResponse) => void;

beforeEach(async () => {
  sent = 0;
  server = createServer((_request, response) => {
    closed = once(response, 'close');
    give(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function urlOf(one: Server): string {
  return `http://127.0.0.1:${(one.address() as AddressInfo).port}/`;
}

/** Sends 200 MiB as fast as they are read. */
async function pour(response: ServerResponse): Promise<void> {
  const pieces = function* (): Generator<Buffer> {
    for (; sent < WHOLE; sent += PIECE.length) yield PIECE;
  };
  // Ends with a fault when the client goes: that is what is tested.
  await pipeline(pieces, response).catch(() => undefined);
}

/** The fault of a request, and how many bytes of memory outside the heap it took at most. */
async function refusal(): Promise<{ fault: unknown; memory: number }> {
  const client = new HttpClient({ timeout: 30, maxBytes: READ });
  const before = process.memoryUsage().arrayBuffers;
  let memory = 0;
  const watch = setInterval(() => {
    memory = Math.max(memory, process.memoryUsage().arrayBuffers - before);
  }, 1);
  const fault = await client.send({ method: 'GET', url: urlOf(server) }).catch((error: unknown) => error);
  await closed;
  clearInterval(watch);
  return { fault, memory };
}

const TOO_LARGE = { kind: 'answer', reason: 'its answer is too large, cut short or no HTTP' };

describe('an answer of 200 MB', () => {
  it.each<[string, (response: ServerResponse) => void]>([
    ['announced', (response) => response.writeHead(200, { 'Content-Length': WHOLE })],
    ['in chunks', (response) => response.writeHead(200)],
    [
      'until the connection closes',
      (response) => response.writeHead(200, { 'Transfer-Encoding': 'identity' }),
    ],
    ['with the status of a fault', (response) => response.writeHead(500)],
  ])('%s is left once too much of it has come', async (_way, begin) => {
    give = (response) => {
      begin(response);
      void pour(response);
    };
    const { fault, memory } = await refusal();
    expect(fault).toBeInstanceOf(HttpFault);
    expect(fault).toMatchObject(TOO_LARGE);
    expect(sent).toBeLessThan(READ + BETWEEN);
    expect(memory).toBeLessThan(MOST_MEMORY);
  });

  it('that was packed small is unpacked no further than it is read', async () => {
    const member = gzipSync(Buffer.alloc(MIB));
    const bomb = Buffer.concat(Array.from({ length: WHOLE / MIB }, () => member));
    expect(bomb.length).toBeLessThan(MIB);
    give = (response) => response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(bomb);
    const { fault, memory } = await refusal();
    expect(fault).toMatchObject(TOO_LARGE);
    expect(memory).toBeLessThan(MOST_MEMORY);
  });

  it('that is all headers is left, too', async () => {
    give = (response) => {
      const { socket } = response;
      socket?.write('HTTP/1.1 200 OK\r\n');
      const line = Buffer.from(`X-A: ${'b'.repeat(60_000)}\r\n`);
      const more = (): void => {
        while (socket?.writable === true && sent < WHOLE) {
          sent += line.length;
          if (!socket.write(line)) break;
        }
      };
      socket?.on('error', () => undefined).on('drain', more);
      more();
    };
    const { fault, memory } = await refusal();
    expect(fault).toMatchObject(TOO_LARGE);
    expect(sent).toBeLessThan(BETWEEN);
    expect(memory).toBeLessThan(MOST_MEMORY);
  });
});

describe('an answer that is not packed as it says', () => {
  it.each(['gzip', 'deflate', 'br'])(
    '(%s) is a fault of the answer, not of the way to the server',
    async (coding) => {
      give = (response) => response.writeHead(200, { 'Content-Encoding': coding }).end('{"servers": []}');
      expect((await refusal()).fault).toMatchObject(TOO_LARGE);
    },
  );
});

describe('a redirect', () => {
  it.each([301, 302, 303, 307, 308])('(%i) is an answer, and nobody asks where it leads', async (status) => {
    let asked = 0;
    const elsewhere = createServer((_request, response) => {
      asked += 1;
      response.end('{}');
    });
    elsewhere.on('connection', () => (asked += 1));
    await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
    give = (response) => response.writeHead(status, { Location: urlOf(elsewhere) }).end();
    const call = { method: 'POST', url: urlOf(server), body: { password: 'secret' } } as const;
    expect((await new HttpClient({ timeout: 10 }).send(call)).status).toBe(status);
    await new Promise((resolve) => elsewhere.close(resolve));
    expect(asked).toBe(0);
  });
});
