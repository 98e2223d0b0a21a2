// SPDX-License-Identifier: Apache-2.0
// One client connection: its socket, its grant, its counters, and the one signal that carries deadline,
// termination and shutdown to whatever step the connection is at.
import { EndSignal } from './end-signal.js';
import { ConnectionEnded, type LinkRefused } from './ends.js';
import type { CloseReason } from '../../close-reason.js';
import type { BackendLeg } from '../backend/leg.js';
import type { ClientLeg } from '../listener/client-leg.js';
import { faultOf, type LegStream } from './leg-stream.js';
import type { Grant, PacingSummary, PolicyDrop, SessionSettings, Verdict } from '../ipc.js';

/** What the relay of a connection reports to the idle watch and to the close. */
export interface Traffic {
  /** Bytes from client to backend so far. */
  readonly bytesUp: number;
  /** Bytes from backend to client so far. */
  readonly bytesDown: number;
  /** Whether nothing has passed: the client has sent nothing, and was sent nothing. */
  readonly untouched: boolean;
  /** Messages that broke the policy so far. */
  verdicts(): Verdict[];
  /** What the guest policy has kept back so far. */
  policyDrops(): PolicyDrop[];
  /** How the channel was paced; null: it was not. */
  pacing(): PacingSummary | null;
  /** Which leg has a write that is not done; null: none. */
  blockedLeg(): 'client' | 'backend' | null;
  /** Applies other settings from the next message on. */
  useSettings(settings: SessionSettings): void;
}

/** The step that a connection is at, as the client's bytes reach it. */
export interface ClientReader {
  /** Takes bytes. */
  data(chunk: Buffer): void;
  /** Nothing follows. */
  end(): void;
}

const NOBODY: ClientReader = { data: () => undefined, end: () => undefined };

/** Whose connection it is: the sender, or the client that a load balancer names. */
export interface Peer {
  /** IPv4 never in its IPv6 spelling. */
  readonly address: string;
  readonly port: number;
  /** A load balancer itself (health checks of version 1 name its own address): a check of the port, perhaps. */
  readonly balancer: boolean;
}

/** One client connection, from accept to close. */
export class ClientConnection {
  readonly client: LegStream;
  /** See {@link ClientLeg.takesBytesAtOnce}. */
  readonly clientTakesBytesAtOnce: boolean;
  readonly clientIp: string;
  readonly clientPort: number;
  /** Set once the control plane has authorized the channel. */
  grant: Grant | null = null;
  /** The settings that replace those of the grant; null: those still hold. */
  private changedSettings: SessionSettings | null = null;
  /** SPICE channel type of the link message; 0 before it. */
  channelType = 0;
  /** Set once the backend's leg is linked. */
  backend: BackendLeg | null = null;
  /** The client has been told that its channel is open. */
  answered = false;
  /** Set once bytes are relayed. */
  traffic: Traffic | null = null;
  /** Seconds for which a leg has been blocked, and for which nothing has passed: kept by the idle watch. */
  blockedFor = 0;
  idleFor = 0;
  /** bytesUp and bytesDown as far as the traffic counter has counted them. */
  countedUp = 0;
  countedDown = 0;
  private reader = NOBODY;
  /** Raised when the connection must end; its reason is a {@link ConnectionEnded} or a {@link LinkRefused}. */
  readonly signal = new EndSignal();

  /**
   * @param acceptedAt `performance.now()` when the TCP connection came in
   * @param overLimit the limit that this connection exceeds, for the refusal; null: none
   */
  constructor(
    leg: ClientLeg,
    readonly peer: Peer,
    private readonly acceptedAt: number,
    readonly overLimit: string | null,
  ) {
    this.client = leg.stream;
    this.clientTakesBytesAtOnce = leg.takesBytesAtOnce;
    this.clientIp = peer.address;
    this.clientPort = peer.port;
    // Once for all steps: a TLS socket announces each listener that it gets to listeners of Node's own.
    this.client.on('data', (chunk: Buffer) => this.reader.data(chunk));
    this.client.once('end', () => this.reader.end());
    // Also while nobody reads from it, as when the backend is dialled.
    this.client.once('close', () => this.end('client connection lost', faultOf(this.client)));
  }

  /** Gives what the client sends from now on to this step; null: to nobody. */
  readBy(reader: ClientReader | null): void {
    this.reader = reader ?? NOBODY;
  }

  /** The settings in effect for the session of this granted channel. */
  settingsOf(grant: Grant): SessionSettings {
    return this.changedSettings ?? grant.settings;
  }

  /** Applies settings that the control plane has decided since the grant. */
  useSettings(settings: SessionSettings): void {
    this.changedSettings = settings;
    this.traffic?.useSettings(settings);
  }

  /** Seconds since accept. */
  age(): number {
    return (performance.now() - this.acceptedAt) / 1000;
  }

  /** Ends the connection, whatever step it is at. */
  end(reason: CloseReason, detail = ''): void {
    if (this.signal.aborted) return;
    this.fail(ConnectionEnded.of(reason, detail));
  }

  /** Ends the connection with a fault; the first one counts. */
  fail(fault: ConnectionEnded | LinkRefused): void {
    this.signal.abort(fault);
  }
}
