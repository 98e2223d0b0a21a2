// SPDX-License-Identifier: Apache-2.0
// The first step of every connection of both ports: whose it is (the sender's, or the client's that a load balancer's
// PROXY protocol header names), and whether it is within the limits that apply before the client has sent a byte.
import type { Socket } from 'node:net';
import { loggerFor } from '../../log.js';
import { plainAddress } from '../../net/address.js';
import { NetworkList } from '../../net/network-list.js';
import type { ProxyHeader } from '../../net/proxy-protocol/decoder.js';
import type { Peer } from './client-connection.js';
import { AddressCounts } from '../../net/address-counts.js';
import { receiveProxyHeader } from '../listener/proxy-header.js';
import type { WorkerContext } from './worker-context.js';

const log = loggerFor('kerbside.console.listener');

/**
 * Sockets above `max_connections` that may be open at once: they are refused by a SPICE link error, after the TLS
 * handshake. Beyond that they are closed at once, or clients with many addresses could use up the file descriptors.
 */
const REFUSAL_RESERVE = 1024;

/**
 * Connections of load balancers whose header has not come. A balancer sends it at once, so this is a matter of one round
 * trip each; the limit by address cannot hold here, because the client's address is what is being waited for.
 */
const MAX_WITHOUT_HEADER = 1024;
/** Seconds: room for a lost packet and its repetition, as section 2 of the protocol wants. */
const HEADER_TIMEOUT_SECONDS = 5;

/** A connection that was admitted. */
export interface AcceptedSocket {
  readonly peer: Peer;
  /** `performance.now()` when the TCP connection came in. */
  readonly acceptedAt: number;
  /** Bytes of the PROXY protocol header. */
  readonly headerBytes: number;
  /** Its link stage is over: it counts as half-open no longer. */
  linked: boolean;
}

/** Admits connections, on all ports of one worker. */
export class Admission {
  private readonly balancers: NetworkList;
  private readonly halfOpen = new AddressCounts();
  /** Sockets of both ports. */
  private open = 0;
  private withoutHeader = 0;

  constructor(private readonly worker: WorkerContext) {
    this.balancers = new NetworkList(worker.settings.proxy.proxyProtocolFrom);
  }

  /** Calls `admitted` as soon as it is known whose connection it is, unless that client is refused. */
  receive(socket: Socket, admitted: (accepted: AcceptedSocket) => void): void {
    socket.on('error', () => undefined);
    const acceptedAt = performance.now();
    const { remoteAddress, remotePort = 0 } = socket;
    if (remoteAddress === undefined) {
      // Reset already, as load balancers do that only check whether the port answers: its address is unknown.
      socket.destroy();
      log.debug('connection was gone before it was accepted');
      return;
    }
    const sender = { address: plainAddress(remoteAddress), port: remotePort };
    if (this.open >= this.worker.settings.proxy.maxConnections + REFUSAL_RESERVE) {
      this.cut(socket, 'limit_connections', sender.address, 'cut at once');
      return;
    }
    this.open += 1;
    socket.once('close', () => (this.open -= 1));
    if (this.balancers.has(sender.address)) {
      this.readHeader(socket, sender.address, (header) => {
        const peer =
          header.kind === 'local'
            ? { ...sender, balancer: true }
            : { address: header.address, port: header.port, balancer: this.balancers.has(header.address) };
        this.admit(socket, { peer, acceptedAt, headerBytes: header.length, linked: false }, admitted);
      });
      return;
    }
    this.admit(
      socket,
      { peer: { ...sender, balancer: false }, acceptedAt, headerBytes: 0, linked: false },
      admitted,
    );
  }

  /** The link stage of a connection is over. */
  linked(accepted: AcceptedSocket): void {
    if (accepted.linked) return;
    accepted.linked = true;
    this.halfOpen.remove(accepted.peer.address);
  }

  /** Counts and logs a connection that was not served. */
  recordRefusal(reason: string, clientIp: string, detail: string): void {
    this.worker.control.note({ op: 'refused', reason, clientIp });
    log.info('connection refused', { client: clientIp, reason, detail });
  }

  /** Counts a connection as half-open, or cuts it when its address has too many. */
  private admit(
    socket: Socket,
    accepted: AcceptedSocket,
    admitted: (accepted: AcceptedSocket) => void,
  ): void {
    const { address } = accepted.peer;
    if (this.halfOpen.of(address) >= this.worker.settings.proxy.maxHalfOpenPerAddress) {
      this.cut(socket, 'limit_half_open', address, 'cut at once');
      return;
    }
    this.worker.trafficCounter.accepted += 1;
    this.halfOpen.add(address);
    socket.once('close', () => this.linked(accepted));
    admitted(accepted);
  }

  private readHeader(socket: Socket, balancer: string, then: (header: ProxyHeader) => void): void {
    if (this.withoutHeader >= MAX_WITHOUT_HEADER) {
      this.cut(
        socket,
        'limit_half_open',
        balancer,
        'too many connections wait for their PROXY protocol header',
      );
      return;
    }
    this.withoutHeader += 1;
    const timeout = Math.min(HEADER_TIMEOUT_SECONDS, this.worker.settings.proxy.linkTimeout);
    receiveProxyHeader(socket, timeout, (outcome) => {
      this.withoutHeader -= 1;
      switch (outcome.kind) {
        case 'header':
          then(outcome.header);
          return;
        case 'silent':
          log.debug('health check of a load balancer', { client: balancer });
          return;
        case 'fault':
          this.cut(socket, 'proxy_header', balancer, outcome.detail);
          return;
      }
    });
  }

  private cut(socket: Socket, reason: string, clientIp: string, detail: string): void {
    socket.destroy();
    this.recordRefusal(reason, clientIp, detail);
  }
}
