// SPDX-License-Identifier: Apache-2.0
// The leg to kerbside-proxy: it is verified before a byte of a browser goes there, it tells whose bytes they are where
// that is wanted, and every way to fail has its words and its deadline.
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { CaCertificate } from '../../../src/tls/ca-certificate.js';
import { ProxyLeg, ProxyUnreachable, type ProxyLegOptions } from '../../../src/html5proxy/proxy-leg.js';
import { NetworkList } from '../../../src/net/network-list.js';
import {
  makeCertificates,
  PROXY_SUBJECT,
  type Certificates,
  type KeyPair,
} from '../../fixtures/certificates.js';
import { v2 } from '../../fixtures/proxy-protocol.js';

const BROWSER = { address: '203.0.113.7', port: 40_000 };
const HERE = { address: '192.0.2.1', port: 5900 };
const NEVER = new AbortController().signal;

let certificates: Certificates;
const servers: Server[] = [];
const sockets: Socket[] = [];

beforeAll(() => {
  certificates = makeCertificates();
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});
afterAll(() => certificates.remove());

async function serve(take: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    take(socket);
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** A TLS port that greets; what came before TLS is in `header`, which has `headerBytes`. */
async function tlsPort(pair: KeyPair, headerBytes = 0): Promise<{ port: number; header: () => Buffer }> {
  let header: Buffer = Buffer.alloc(0);
  const secure = (socket: Socket): void => {
    const secured = new TLSSocket(socket, { isServer: true, cert: pair.cert, key: pair.key });
    secured.on('error', () => undefined);
    secured.once('secure', () => secured.write('hello'));
  };
  const port = await serve((socket) => {
    if (headerBytes === 0) {
      secure(socket);
      return;
    }
    const onReadable = (): void => {
      const bytes = socket.read(headerBytes) as Buffer | null;
      if (bytes === null) return;
      header = bytes;
      socket.off('readable', onReadable);
      secure(socket);
    };
    socket.on('readable', onReadable);
  });
  return { port, header: () => header };
}

async function leg(port: number, change: Partial<ProxyLegOptions> = {}): Promise<ProxyLeg> {
  return new ProxyLeg({
    ...{ host: '127.0.0.1', port, timeout: 1, serverName: 'localhost', hostSubject: PROXY_SUBJECT },
    ...{ ca: await CaCertificate.load(certificates.authority.caPath), headerFrom: new NetworkList([]) },
    ...change,
  });
}

async function greeting(port: number, change: Partial<ProxyLegOptions> = {}): Promise<string> {
  const { stream } = await (await leg(port, change)).dial(BROWSER, HERE, NEVER);
  sockets.push(stream);
  const [bytes] = (await once(stream, 'data')) as [Buffer];
  return bytes.toString();
}

async function fault(port: number, change: Partial<ProxyLegOptions> = {}): Promise<ProxyUnreachable> {
  const error: unknown = await greeting(port, change).catch((caught: unknown) => caught);
  if (error instanceof ProxyUnreachable) return error;
  throw new Error(`no ProxyUnreachable but ${String(error)}`);
}

describe('the leg to kerbside-proxy', () => {
  it('comes up when CA and subject are right, whatever the names are', async () => {
    const { port } = await tlsPort(certificates.ecdsa);
    expect(await greeting(port, { serverName: 'elsewhere.example' })).toBe('hello');
  });

  it('comes up without a subject to compare when the name is right', async () => {
    const { port } = await tlsPort(certificates.hypervisor);
    expect(await greeting(port, { hostSubject: '' })).toBe('hello');
  });

  it('names the browser where the port wants to know it', async () => {
    const { port, header } = await tlsPort(certificates.ecdsa, v2().length);
    expect(await greeting(port, { headerFrom: new NetworkList(['127.0.0.0/8']) })).toBe('hello');
    expect(header()).toEqual(v2());
  });

  it.each<[string, () => KeyPair, Partial<ProxyLegOptions>, string]>([
    [
      'another subject',
      () => certificates.hypervisor,
      {},
      'its certificate is refused: its subject is "O=Lab,CN=hypervisor", and [spice] host_subject is "C=US,',
    ],
    ['another CA', () => certificates.wrongCa, { hostSubject: 'O=Lab,CN=hypervisor' }, 'unable to verify'],
    [
      'another name and no subject to compare',
      () => certificates.wrongSubject,
      { hostSubject: '' },
      "Hostname/IP does not match certificate's altnames",
    ],
  ])('is not used with a certificate of %s', async (_what, pair, change, words) => {
    const { port } = await tlsPort(pair());
    const { message, late, refused } = await fault(port, change);
    expect(message).toContain(words);
    expect(message).toContain(`127.0.0.1 port ${port}`);
    expect([late, refused]).toEqual([false, true]);
  });

  it('fails in time where nobody answers', async () => {
    const port = await serve(() => undefined);
    const { message, late, refused } = await fault(port);
    expect([message, late, refused]).toEqual([expect.stringContaining('no answer within 1 s'), true, false]);
  });

  it('says what to look at where the connection is cut, and where nobody listens', async () => {
    const cut = await serve((socket) => socket.once('data', () => socket.resetAndDestroy()));
    expect((await fault(cut)).message).toContain('proxy_protocol_from');
    const closed = await serve(() => undefined);
    servers.splice(0).forEach((server) => server.close());
    expect((await fault(closed)).message).toContain('connection refused');
  });

  it('is given up when the browser goes', async () => {
    const port = await serve(() => undefined);
    const gone = new AbortController();
    setTimeout(() => gone.abort(), 50);
    const dial = (await leg(port, { timeout: 10 })).dial(BROWSER, HERE, gone.signal);
    await expect(dial).rejects.toThrow('the browser has gone');
    await expect((await leg(port)).dial(BROWSER, HERE, AbortSignal.abort())).rejects.toThrow('has gone');
  });
});
