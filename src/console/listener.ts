// SPDX-License-Identifier: Apache-2.0
// The accept step: the TLS port, the plain port that only says NEED_SECURED, and the limits that hold before a
// client has said anything: half-open links and connections by address, connections by process.
import net, { type AddressInfo, type Server, type Socket } from 'node:net';
import tls, { type TLSSocket } from 'node:tls';
import { StartupError } from '../exception.js';
import { loggerFor } from '../log.js';
import { plainAddress } from '../network-address.js';
import { ClientConnection } from './client-connection.js';
import { serveConnection } from './connection.js';
import type { TlsMaterial } from './ipc.js';
import { AddressCounts } from './limits.js';
import { answerNeedSecured } from './plain-listener.js';
import type { WorkerContext } from './worker-context.js';

const log = loggerFor('kerbside.console.listener');

/** AES-128-GCM first: it costs the least CPU per byte; TLS 1.2 clients get forward secrecy only. */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

const BACKLOG = 1024;

/**
 * Sockets above `max_connections` that may be open at once: they get their refusal in SPICE's words, after the TLS
 * handshake. Beyond that they are cut unheard, or strangers with many addresses could take every file descriptor.
 */
const REFUSAL_RESERVE = 1024;

/** A connection whose link stage is not over. */
interface HalfOpen {
  readonly address: string;
  readonly acceptedAt: number;
  linked: boolean;
}

/** The listeners of one worker. */
export class Listener {
  private readonly engine: tls.Server;
  private readonly servers: Server[] = [];
  private readonly halfOpen = new AddressCounts();
  private readonly byAddress = new AddressCounts();
  /** By both ends' addresses and ports, which the raw socket and its TLS socket share. */
  private readonly accepted = new Map<string, HalfOpen>();
  /** Sockets of both ports. */
  private open = 0;

  constructor(
    private readonly worker: WorkerContext,
    material: TlsMaterial,
  ) {
    this.engine = tls.createServer({
      ...secureContextOptions(material),
      handshakeTimeout: worker.settings.tlsHandshakeTimeout * 1000,
    });
    this.engine.on('secureConnection', (client: TLSSocket) => this.serve(client));
    this.engine.on('tlsClientError', (error: NodeJS.ErrnoException, client: TLSSocket) => {
      client.destroy();
      this.refused('tls', plainAddress(client.remoteAddress), error.code ?? error.message);
    });
  }

  /**
   * Binds all ports.
   *
   * @returns the ports in use: of the TLS listeners and of the plain ones
   * @throws StartupError naming option, port and fault
   */
  async listen(): Promise<{ secure: number[]; insecure: number[] }> {
    const { addresses, securePort, insecurePort } = this.worker.settings;
    const secure: number[] = [];
    const insecure: number[] = [];
    for (const address of addresses) {
      secure.push(await this.bind('secure_port', address, securePort, (socket) => this.acceptSecure(socket)));
      insecure.push(
        await this.bind('insecure_port', address, insecurePort, (socket) => this.acceptPlain(socket)),
      );
    }
    return { secure, insecure };
  }

  /** Uses another certificate for connections from now on; running ones keep theirs. */
  useCertificates(material: TlsMaterial): void {
    this.engine.setSecureContext(secureContextOptions(material));
  }

  /** Accepts nothing more; running connections go on. */
  stopAccepting(): void {
    for (const server of this.servers) server.close();
  }

  private async bind(
    option: string,
    address: string,
    port: number,
    accept: (socket: Socket) => void,
  ): Promise<number> {
    const server = net.createServer(
      { noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 },
      accept,
    );
    const bound = await listenOn(server, option, address, port);
    this.servers.push(server);
    return bound;
  }

  private acceptSecure(socket: Socket): void {
    const entry = this.admit(socket);
    if (entry === null) return;
    const key = keyOf(socket);
    this.accepted.set(key, entry);
    this.byAddress.add(entry.address);
    socket.once('close', () => {
      if (this.accepted.get(key) === entry) this.accepted.delete(key);
      this.byAddress.remove(entry.address);
    });
    this.engine.emit('connection', socket);
  }

  private acceptPlain(socket: Socket): void {
    const entry = this.admit(socket);
    if (entry === null) return;
    // spice-gtk tries the plain port first whenever it is told of one: nothing to bother an operator with.
    answerNeedSecured(socket, this.worker.settings.linkTimeout, (detail) => {
      this.worker.control.note({ op: 'refused', reason: 'need_secured', clientIp: entry.address });
      log.debug('plain connection answered', { client: entry.address, detail });
    });
  }

  /** Counts a new connection as half-open; null when there are too many, and it is cut. */
  private admit(socket: Socket): HalfOpen | null {
    const address = plainAddress(socket.remoteAddress);
    socket.on('error', () => undefined);
    const full = this.full(address);
    if (full !== null) {
      socket.destroy();
      this.refused(full, address, 'cut at once');
      return null;
    }
    this.worker.meter.accepted += 1;
    const entry = { address, acceptedAt: performance.now(), linked: false };
    this.open += 1;
    this.halfOpen.add(address);
    socket.once('close', () => {
      this.open -= 1;
      this.linked(entry);
    });
    return entry;
  }

  /** The limit that leaves no room for one more socket of this address; null: none. */
  private full(address: string): string | null {
    const { maxConnections, maxHalfOpenPerAddress } = this.worker.settings;
    if (this.open >= maxConnections + REFUSAL_RESERVE) return 'limit_connections';
    return this.halfOpen.of(address) >= maxHalfOpenPerAddress ? 'limit_half_open' : null;
  }

  private linked(entry: HalfOpen): void {
    if (entry.linked) return;
    entry.linked = true;
    this.halfOpen.remove(entry.address);
  }

  private serve(client: TLSSocket): void {
    // Without a listener a reset would end the process.
    client.on('error', () => undefined);
    const entry = this.accepted.get(keyOf(client));
    if (entry === undefined) {
      client.destroy();
      return;
    }
    const connection = new ClientConnection(client, entry.acceptedAt, this.overLimit(entry.address));
    void serveConnection(connection, this.worker, () => this.linked(entry));
  }

  private overLimit(address: string): string | null {
    const { maxConnections, maxConnectionsPerAddress } = this.worker.settings;
    if (this.worker.registry.connections.size >= maxConnections) return 'limit_connections';
    return this.byAddress.of(address) > maxConnectionsPerAddress ? 'limit_address' : null;
  }

  private refused(reason: string, clientIp: string, detail: string): void {
    this.worker.control.note({ op: 'refused', reason, clientIp });
    log.info('connection refused', { client: clientIp, reason, detail });
  }
}

function secureContextOptions(material: TlsMaterial): tls.SecureContextOptions {
  return {
    cert: [...material.cert],
    key: [...material.key],
    minVersion: 'TLSv1.2',
    ciphers: CIPHERS,
    honorCipherOrder: true,
    ecdhCurve: 'X25519:P-256:P-384',
  };
}

function keyOf(socket: Socket): string {
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  return [remoteAddress, remotePort, localAddress, localPort].join('|');
}

/** Listens; `::` means all addresses, and falls back to 0.0.0.0 where the host has no IPv6. */
function listenOn(server: Server, option: string, address: string, port: number): Promise<number> {
  return new Promise<number>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const noIpv6 = error.code === 'EAFNOSUPPORT' || error.code === 'EADDRNOTAVAIL';
      if (address === '::' && noIpv6) {
        resolve(listenOn(server, option, '0.0.0.0', port));
        return;
      }
      reject(
        new StartupError(`[spice] ${option}: cannot listen on ${address} port ${port}: ${faultOf(error)}`),
      );
    });
    server.listen({ host: address, port, backlog: BACKLOG }, () => {
      server.removeAllListeners('error');
      server.on('error', (error) => log.error('listener fault', { error: error.message }));
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function faultOf(error: NodeJS.ErrnoException): string {
  if (error.code === 'EADDRINUSE')
    return 'the port is taken by another program; stop it or choose another port';
  if (error.code === 'EACCES')
    return 'permission denied; choose a port above 1023 or grant CAP_NET_BIND_SERVICE';
  if (error.code === 'EADDRNOTAVAIL') return 'this host does not have the address; see [spice] address';
  return error.message;
}
