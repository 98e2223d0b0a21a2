// SPDX-License-Identifier: Apache-2.0
// What is asked and answered about one channel of a console session: the types of channel-admission.ts,
// console-channel.ts and console-session.ts.
import type { CloseReason } from '../close-reason.js';
import type { NewConnection } from '../db/api/console-connections.js';
import { DatabaseError } from '../exception.js';
import type { Clock } from './clock.js';
import type { ConnectInfo } from './connect-info.js';
import type { DenialReason } from './console-session-state.js';
import type { SessionOwnSettings } from './own-settings.js';

/** What a client showed at the link stage, and where the question comes from. `ticket` is a secret. */
export interface ChannelRequest {
  ticket: string;
  /** connection_id of the client's SpiceLinkMess. */
  connectionId: number;
  /** SPICE channel type; 1 = main. */
  channelType: number;
  channelId: number;
  clientIp: string;
  clientPort: number;
  node: string;
  pid: number;
}

/** The channel may be opened; its row exists (state authorized). */
export interface ChannelGrant {
  kind: 'granted';
  /** UUID of the connection row: the name of this channel for linked() and closed(). */
  connectionRef: string;
  sessionId: string;
  /** Which main channel of the session this channel belongs to; 1 for the first. */
  generation: number;
  /** The session id that the client sees in MAIN_INIT and sends on its other channels: u32, not 0. */
  proxyConnectionId: number;
  /** The session id that the backend gave in its MAIN_INIT; 0 for a main channel. */
  backendConnectionId: number;
  source: string;
  uuid: string;
  /** Display name of the console; its uuid when it has none. */
  name: string;
  tokenFingerprint: string;
  /** Whom the session is of. */
  owner: SessionOwner;
  connectInfo: ConnectInfo;
  /** The type of the console's source, such as `static` or `openstack`. */
  platform: string;
  /** What its console, or else its source, says for itself. */
  settings: SessionOwnSettings;
  /** The migration that it comes of; null: none. */
  migration: ChannelMigration | null;
  /** What the session is to its console. */
  hold: ConsoleHold;
}

/** A migration that a channel comes of: its hypervisor named where the channel leads. */
export interface ChannelMigration {
  readonly number: number;
  /**
   * `return`: the main channel of a client that was told to begin anew. `destination`: a channel that a client opens at the
   * destination, while those to the source live.
   */
  readonly kind: 'return' | 'destination';
  /** Where it leads was not said: the platform is asked. */
  readonly unplaced: boolean;
}

/**
 * What a session is to its console: the only one (`holds`); one that is to be, once the one that holds it has given way
 * (`takes`); or one of several (`shares`).
 */
export type ConsoleHold = 'holds' | 'takes' | 'shares';

/** Whom a session is of: who asked for its token, and whose console it is (null where consoles have no owner). */
export interface SessionOwner {
  /** The name that the audit trail has. */
  issuedTo: string;
  projectId: string | null;
  userId: string | null;
}

/** The channel may not be opened. */
export interface ChannelDenial {
  kind: 'denied';
  reason: DenialReason;
  source?: string;
  uuid?: string;
  sessionId?: string;
  /** Whose token it was. */
  issuedTo?: string;
  /** Name of its console; null: the console is gone. */
  name?: string | null;
  /** As in a grant. */
  settings?: SessionOwnSettings;
}

/** The database became unavailable while a channel was recorded: its row may exist. Give it to closed() later. */
export class ChannelInDoubt extends DatabaseError {
  constructor(
    readonly connectionRef: string,
    fault: Error,
  ) {
    super(fault.message);
  }
}

/** How a channel ended. */
export interface ChannelEnd {
  reason: CloseReason;
  /** Bytes client to backend. */
  bytesUp: number;
  /** Bytes backend to client. */
  bytesDown: number;
  /** Seconds from accept to end. */
  duration: number;
}

/** A channel that has ended, with all that its row needs. */
export interface EndedChannel {
  connectionRef: string;
  end: ChannelEnd;
  /** Of a main channel: its session, and whether it had come up; null for the others, whose session stays as it is. */
  main: { sessionId: string; generation: number; established: boolean } | null;
}

/** A channel whose row is still to be written, and what it is granted then. */
export interface PreparedChannel {
  readonly row: NewConnection;
  readonly grant: ChannelGrant;
}

/** Channels of `sessionId` whose generation is at most `generation` must end. */
export interface SessionToClose {
  sessionId: string;
  generation: number;
  /** true: by terminate; false: the main channel ended. */
  terminated: boolean;
  /** Terminated for another session. */
  replaced?: true;
}

/** A session is over: its channels of this generation, and of earlier ones, must end. */
export interface SessionEnded {
  readonly sessionId: string;
  readonly generation: number;
  /** Permanently: no newer generation will come. */
  readonly terminated: boolean;
  /** For another session. */
  readonly replaced?: true;
}

/** An open connection that must end. */
export interface ConnectionToClose {
  connectionRef: string;
  sessionId: string;
  terminated: boolean;
  /** Terminated for another session. */
  replaced?: true;
}

/** A channel that still runs in a proxy whose node may have been taken for dead meanwhile. */
export interface LiveRecord {
  connectionRef: string;
  sessionId: string;
  generation: number;
  channelType: number;
  /** A main channel: whether its establish() has succeeded. Of no meaning for others. */
  established: boolean;
  /** A main channel: whether its session is the only one that its console may have. Of no meaning for others. */
  holds: boolean;
}

/** The outcome for channels that still run when their node came back. */
export interface Recovery {
  /** Connections that are open in the records again. */
  reopened: string[];
  /** Their main channel is on another node that is down as well: check again soon, and end them when it stays down. */
  waiting: string[];
  /** Their session is over, or went on without them: end them. */
  lost: ConnectionToClose[];
}

/** A connection row that was closed on behalf of a process that is gone. */
export interface LostConnection {
  connectionRef: string;
  sessionId: string;
  generation: number;
  channelType: number;
  channelId: number;
  source: string;
  uuid: string;
  clientIp: string;
  /** null: its token is gone. */
  issuedTo: string | null;
}

/** One open channel as GET /session shows it. */
export interface OpenChannel {
  id: number;
  node: string;
  pid: number;
  created: number;
  clientIp: string;
  clientPort: number;
  /** connection_id the client sent; null on a main channel. */
  connectionId: number | null;
  channelType: number;
  channelId: number;
  sessionId: string;
  connectionRef: string;
}

/** One session with at least one open channel. */
export interface OpenSession {
  sessionId: string;
  source: string;
  uuid: string;
  /** Console name; null when the console is gone or has none. */
  name: string | null;
  /** Project of its console; null when the console is gone or has none. */
  projectId: string | null;
  /** For whom its token was made; null when the token is gone. */
  issuedTo: string | null;
  channels: OpenChannel[];
}

/** What the nouns of sessions and of their channels are made with. */
export interface SessionRecordOptions {
  /** Called for every session whose channels must end, once that is in the database; must not throw. */
  readonly announce?: (ended: SessionEnded) => void;
  /** The program that writes, for the audit trail. */
  readonly service?: string;
  /** Epoch seconds; tests replace it. */
  readonly now?: Clock;
}
