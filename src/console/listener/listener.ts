// SPDX-License-Identifier: Apache-2.0
// The accept step: the TLS port and the plain port that only says NEED_SECURED. Who may come in is reception.ts.
import net, { type Server, type Socket } from 'node:net';
import tls, { type TLSSocket } from 'node:tls';
import { loggerFor } from '../../log.js';
import { ClientConnection } from '../connection/client-connection.js';
import { serveConnection } from '../connection/connection.js';
import type { TlsMaterial } from '../../tls/certificates.js';
import { AddressCounts } from '../../net/address-counts.js';
import { listen } from '../../net/listen.js';
import { tlsLeg } from './client-leg.js';
import { answerNeedSecured } from './plain-listener.js';
import { Reception, type Arrival } from '../connection/reception.js';
import type { WorkerContext } from '../connection/worker-context.js';

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

/** A connection of the TLS port, from its accept on. */
interface Handshake {
  readonly arrival: Arrival;
  /** What TLS says of it. */
  fault: string;
  /** TLS is up. */
  served: boolean;
}

/** The listeners of one worker. */
export class Listener {
  private readonly engine: tls.Server;
  private readonly servers: Server[] = [];
  private readonly reception: Reception;
  private readonly byAddress = new AddressCounts();
  /** By both ends' addresses and ports, which the raw socket and its TLS socket share. */
  private readonly handshakes = new Map<string, Handshake>();

  constructor(
    private readonly worker: WorkerContext,
    material: TlsMaterial,
  ) {
    this.reception = new Reception(worker);
    this.engine = tls.createServer({
      ...secureContextOptions(material),
      handshakeTimeout: worker.settings.proxy.tlsHandshakeTimeout * 1000,
    });
    this.engine.on('secureConnection', (client: TLSSocket) => this.serve(client));
    this.engine.on('tlsClientError', (error: NodeJS.ErrnoException, client: TLSSocket) => {
      // Counted when the socket closes: a TLS socket that is closed already does not tell whose it was.
      const handshake = this.handshakes.get(keyOf(client));
      if (handshake !== undefined) handshake.fault = error.code ?? error.message;
      client.destroy();
    });
  }

  /**
   * Binds all ports.
   *
   * @returns the ports in use: of the TLS listeners and of the plain ones
   * @throws StartupError naming option, port and fault
   */
  async listen(): Promise<{ secure: number[]; insecure: number[] }> {
    const { address: addresses, securePort, insecurePort } = this.worker.settings.spice;
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
    const place = { host: address, port, option: `[spice] ${option}`, backlog: BACKLOG, log };
    const bound = await listen(server, place);
    this.servers.push(server);
    return bound.port;
  }

  private acceptSecure(socket: Socket): void {
    this.reception.receive(socket, (arrival) => {
      const key = keyOf(socket);
      const handshake: Handshake = { arrival, fault: 'closed by the client', served: false };
      this.handshakes.set(key, handshake);
      this.byAddress.add(arrival.peer.address);
      socket.once('close', () => {
        if (this.handshakes.get(key) === handshake) this.handshakes.delete(key);
        this.byAddress.remove(arrival.peer.address);
        if (!handshake.served) this.unserved(handshake, socket.bytesRead);
      });
      this.engine.emit('connection', socket);
    });
  }

  private acceptPlain(socket: Socket): void {
    this.reception.receive(socket, ({ peer, acceptedAt }) => {
      const left = this.worker.settings.proxy.linkTimeout - (performance.now() - acceptedAt) / 1000;
      // spice-gtk tries the plain port first whenever it is told of one: nothing to bother an operator with.
      answerNeedSecured(socket, left, (detail) => {
        this.worker.control.note({ op: 'refused', reason: 'need_secured', clientIp: peer.address });
        log.debug('plain connection answered', { client: peer.address, detail });
      });
    });
  }

  /** A connection that ended before its TLS handshake was over. */
  private unserved({ arrival, fault }: Handshake, bytesRead: number): void {
    const { peer, headerBytes } = arrival;
    if (peer.balancer && bytesRead <= headerBytes) {
      log.debug('health check of a load balancer', { client: peer.address });
      return;
    }
    this.reception.refused('tls', peer.address, fault);
  }

  private serve(client: TLSSocket): void {
    // Without a listener a reset would end the process.
    client.on('error', () => undefined);
    const handshake = this.handshakes.get(keyOf(client));
    if (handshake === undefined) {
      client.destroy();
      return;
    }
    handshake.served = true;
    const { arrival } = handshake;
    const { peer, acceptedAt } = arrival;
    const connection = new ClientConnection(tlsLeg(client), peer, acceptedAt, this.overLimit(peer.address));
    void serveConnection(connection, this.worker, () => this.reception.linked(arrival));
  }

  private overLimit(address: string): string | null {
    const { maxConnections, maxConnectionsPerAddress } = this.worker.settings.proxy;
    if (this.worker.registry.connections.size >= maxConnections) return 'limit_connections';
    return this.byAddress.of(address) > maxConnectionsPerAddress ? 'limit_address' : null;
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
