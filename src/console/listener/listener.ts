// SPDX-License-Identifier: Apache-2.0
// The accept step: the TLS port and the plain port that only says NEED_SECURED. Which connections are served is decided in
// connection/admission.ts.
import net, { type Server, type Socket } from 'node:net';
import tls, { type SecureContext, type TLSSocket } from 'node:tls';
import { loggerFor } from '../../log.js';
import { ClientConnection } from '../connection/client-connection.js';
import { serveConnection } from '../connection/connection.js';
import type { TlsMaterial } from '../../tls/certificates.js';
import { AddressCounts } from '../../net/address-counts.js';
import { probeWhenIdle } from '../../net/idle-probes.js';
import { listen } from '../../net/listen.js';
import { tlsLeg } from './client-leg.js';
import { answerNeedSecured } from './plain-listener.js';
import { Admission, type AcceptedSocket } from '../connection/admission.js';
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

/**
 * The groups of OpenSSL 3's default, in the order of what they cost. Of ffdhe those that it still has from 3.5 on, and 4096:
 * a handshake with a larger one costs the server more than the rest of the connection.
 */
const GROUPS = ['X25519', 'P-256', 'P-384', 'X448', 'P-521', 'ffdhe2048', 'ffdhe3072', 'ffdhe4096'].join(':');

const BACKLOG = 1024;

/** The listeners of one worker. */
export class Listener {
  private context: SecureContext;
  private readonly servers: Server[] = [];
  private readonly admission: Admission;
  private readonly byAddress = new AddressCounts();

  constructor(
    private readonly worker: WorkerContext,
    material: TlsMaterial,
  ) {
    this.admission = new Admission(worker);
    this.context = secureContext(material);
  }

  /**
   * Binds all ports.
   *
   * @returns the ports in use: of the TLS listeners and of the plain ones
   * @throws StartupError naming option, port and fault
   */
  async listen(): Promise<{ secure: number[]; insecure: number[] }> {
    const { address: addresses, securePort, enableInsecurePort, insecurePort } = this.worker.settings.spice;
    const secure: number[] = [];
    const insecure: number[] = [];
    for (const address of addresses) {
      secure.push(await this.bind('secure_port', address, securePort, (socket) => this.acceptSecure(socket)));
      if (!enableInsecurePort) continue;
      insecure.push(
        await this.bind('insecure_port', address, insecurePort, (socket) => this.acceptPlain(socket)),
      );
    }
    return { secure, insecure };
  }

  /** Uses another certificate for connections from now on; running ones keep theirs. */
  useCertificates(material: TlsMaterial): void {
    this.context = secureContext(material);
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
    const server = net.createServer({ noDelay: true }, (socket) => {
      probeWhenIdle(socket);
      accept(socket);
    });
    const place = { host: address, port, option: `[spice] ${option}`, backlog: BACKLOG, log };
    const bound = await listen(server, place);
    this.servers.push(server);
    return bound.port;
  }

  private acceptSecure(socket: Socket): void {
    this.admission.receive(socket, (accepted) => this.startTls(socket, accepted));
  }

  /**
   * Starts TLS. Not through a tls.Server: what that one adds to a TLS socket is not needed here, and it does not tell whose
   * connection a TLS socket came of, so that addresses and ports would have to be asked for and compared.
   */
  private startTls(socket: Socket, accepted: AcceptedSocket): void {
    const { address } = accepted.peer;
    this.byAddress.add(address);
    const client = new tls.TLSSocket(socket, { isServer: true, secureContext: this.context });
    let fault: string | null = 'closed by the client';
    const deadline = setTimeout(() => {
      fault = 'ERR_TLS_HANDSHAKE_TIMEOUT';
      client.destroy();
    }, this.worker.settings.proxy.tlsHandshakeTimeout * 1000);
    // Also afterwards: without a listener a reset would end the process.
    client.on('error', (error: NodeJS.ErrnoException) => {
      if (fault !== null) fault = error.code ?? error.message;
    });
    client.once('secure', () => {
      clearTimeout(deadline);
      fault = null;
      this.serve(client, accepted);
    });
    client.once('close', () => {
      clearTimeout(deadline);
      this.byAddress.remove(address);
      if (fault !== null) this.unserved(accepted, fault, socket.bytesRead);
    });
  }

  private acceptPlain(socket: Socket): void {
    this.admission.receive(socket, ({ peer, acceptedAt }) => {
      const left = this.worker.settings.proxy.linkTimeout - (performance.now() - acceptedAt) / 1000;
      // spice-gtk tries the plain port first whenever a .vv file names one: expected, so not above debug level.
      answerNeedSecured(socket, left, (detail) => {
        this.worker.control.note({ op: 'refused', reason: 'need_secured', clientIp: peer.address });
        log.debug('plain connection answered', { client: peer.address, detail });
      });
    });
  }

  /** A connection that ended before its TLS handshake was over. */
  private unserved({ peer, headerBytes }: AcceptedSocket, fault: string, bytesRead: number): void {
    if (peer.balancer && bytesRead <= headerBytes) {
      log.debug('health check of a load balancer', { client: peer.address });
      return;
    }
    this.admission.recordRefusal('tls', peer.address, fault);
  }

  private serve(client: TLSSocket, accepted: AcceptedSocket): void {
    const { peer, acceptedAt } = accepted;
    const connection = new ClientConnection(tlsLeg(client), peer, acceptedAt, this.overLimit(peer.address));
    void serveConnection(connection, this.worker, () => this.admission.linked(accepted));
  }

  private overLimit(address: string): string | null {
    const { maxConnections, maxConnectionsPerAddress } = this.worker.settings.proxy;
    if (this.worker.registry.connections.size >= maxConnections) return 'limit_connections';
    return this.byAddress.of(address) > maxConnectionsPerAddress ? 'limit_address' : null;
  }
}

function secureContext(material: TlsMaterial): SecureContext {
  return tls.createSecureContext({
    cert: [...material.cert],
    key: [...material.key],
    minVersion: 'TLSv1.2',
    ciphers: CIPHERS,
    honorCipherOrder: true,
    ecdhCurve: GROUPS,
  });
}
