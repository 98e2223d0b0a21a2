// SPDX-License-Identifier: Apache-2.0
// The first step of every connection of both ports: who is it (the sender, or the client that a load balancer's
// PROXY protocol header names), and do the limits leave room that hold before a client has said anything.
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
 * Sockets above `max_connections` that may be open at once: they get their refusal in SPICE's words, after the TLS
 * handshake. Beyond that they are cut unheard, or strangers with many addresses could take every file descriptor.
 */
const REFUSAL_RESERVE = 1024;

/**
 * Connections of load balancers whose header has not come. A balancer sends it at once, so this is a matter of one round
 * trip each; the limit by address cannot hold here, because the client's address is what is being waited for.
 */
const MAX_WITHOUT_HEADER = 1024;
/** Seconds: room for a lost packet and its repetition, as section 2 of the protocol wants. */
const HEADER_TIMEOUT = 5;

/** A connection that was let in. */
export interface Arrival {
  readonly peer: Peer;
  /** `performance.now()` when the TCP connection came in. */
  readonly acceptedAt: number;
  /** Bytes of the PROXY protocol header. */
  readonly headerBytes: number;
  /** Its link stage is over: it counts as half-open no longer. */
  linked: boolean;
}

/** Lets connections in, on all ports of one worker. */
export class Reception {
  private readonly balancers: NetworkList;
  private readonly halfOpen = new AddressCounts();
  /** Sockets of both ports. */
  private open = 0;
  private withoutHeader = 0;

  constructor(private readonly worker: WorkerContext) {
    this.balancers = new NetworkList(worker.settings.proxy.proxyProtocolFrom);
  }

  /** Calls `enter` as soon as it is known whose connection it is, unless that one is refused. */
  receive(socket: Socket, enter: (arrival: Arrival) => void): void {
    socket.on('error', () => undefined);
    const acceptedAt = performance.now();
    const { remoteAddress, remotePort = 0 } = socket;
    if (remoteAddress === undefined) {
      // Reset already, as balancers do that only check whether the port answers: nobody knows whose it was.
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
        this.admit(socket, { peer, acceptedAt, headerBytes: header.length, linked: false }, enter);
      });
      return;
    }
    this.admit(
      socket,
      { peer: { ...sender, balancer: false }, acceptedAt, headerBytes: 0, linked: false },
      enter,
    );
  }

  /** The link stage of a connection is over. */
  linked(arrival: Arrival): void {
    if (arrival.linked) return;
    arrival.linked = true;
    this.halfOpen.remove(arrival.peer.address);
  }

  /** Counts and logs a connection that was not served. */
  refused(reason: string, clientIp: string, detail: string): void {
    this.worker.control.note({ op: 'refused', reason, clientIp });
    log.info('connection refused', { client: clientIp, reason, detail });
  }

  /** Counts a connection as half-open, or cuts it when its address has too many. */
  private admit(socket: Socket, arrival: Arrival, enter: (arrival: Arrival) => void): void {
    const { address } = arrival.peer;
    if (this.halfOpen.of(address) >= this.worker.settings.proxy.maxHalfOpenPerAddress) {
      this.cut(socket, 'limit_half_open', address, 'cut at once');
      return;
    }
    this.worker.meter.accepted += 1;
    this.halfOpen.add(address);
    socket.once('close', () => this.linked(arrival));
    enter(arrival);
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
    const timeout = Math.min(HEADER_TIMEOUT, this.worker.settings.proxy.linkTimeout);
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
    this.refused(reason, clientIp, detail);
  }
}
