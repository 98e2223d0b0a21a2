// SPDX-License-Identifier: Apache-2.0
// A console session: one user at one console, from the first main channel to the last channel's end, reconnects
// included. Decides who may open a channel. Every move is one conditional statement, so that any number of
// workers on any number of nodes may ask at the same moment.
import type { Database } from '../db/database.js';
import type { ConnectInfo } from './connect-info.js';
import type { Page, PageRequest } from './page.js';

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
  connectInfo: ConnectInfo;
}

/** Why a channel may not be opened. */
export type Refusal =
  | 'token_unknown'
  | 'token_expired'
  | 'token_terminated'
  | 'token_in_use'
  | 'main_required'
  | 'bad_connection_id'
  | 'console_gone'
  | 'source_gone';

export interface ChannelRefusal {
  kind: 'refused';
  reason: Refusal;
  source?: string;
  uuid?: string;
  sessionId?: string;
}

/** How a channel ended. */
export interface ChannelEnd {
  reason: string;
  /** Bytes client to backend. */
  bytesUp: number;
  /** Bytes backend to client. */
  bytesDown: number;
  /** Seconds from accept to end. */
  duration: number;
}

/** What the end of a channel meant for its session. */
export interface ChannelEnded {
  /** true: this was the session's main channel and it had been established. */
  mainEnded: boolean;
  /** '' when no such connection was ever granted. */
  sessionId: string;
  generation: number;
}

/** Channels of `sessionId` whose generation is at most `generation` must end. */
export interface SessionToClose {
  sessionId: string;
  generation: number;
  /** true: by terminate; false: the main channel ended. */
  terminated: boolean;
  updatedAt: number;
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
  channels: OpenChannel[];
}

export interface ConsoleSessionOptions {
  /** `[console] reconnect_grace`, seconds. */
  readonly reconnectGrace: number;
  /** Epoch seconds; tests replace it. */
  readonly now?: () => number;
}

export declare class ConsoleSessions {
  constructor(db: Database, options: ConsoleSessionOptions);
  /** Decides one channel and writes its row. At most 2 statements, 4 for a main channel. */
  authorize(request: ChannelRequest): Promise<ChannelGrant | ChannelRefusal>;
  /** The backend accepted the channel: connection authorized -> connected. */
  linked(connectionRef: string): Promise<void>;
  /**
   * The backend's MAIN_INIT arrived: session pending or closing -> active. Await it before MAIN_INIT goes out.
   * @throws Conflict when the session was terminated or taken over meanwhile: close the channel.
   */
  establish(sessionId: string, generation: number, backendConnectionId: number): Promise<void>;
  /** The channel ended, however far it got. Idempotent. */
  closed(connectionRef: string, end: ChannelEnd): Promise<ChannelEnded>;
  /** Sessions changed at or after `since` (epoch seconds) whose channels must end. Poll with some overlap. */
  sessionsToClose(since: number): Promise<SessionToClose[]>;
  /** The same without a clock: every open connection of `node` that must end now. For start-up and a slow sweep. */
  connectionsToClose(
    node: string,
  ): Promise<{ connectionRef: string; sessionId: string; terminated: boolean }[]>;
  /** At start-up: closes this node's open rows (reason 'node restarted'). Gives how many there were. */
  clearNode(node: string): Promise<number>;
  /** A worker died: closes its open rows (reason 'worker died') and says which. */
  closeWorker(node: string, pid: number): Promise<LostConnection[]>;
  /** Ends a session for good. false: no such session, or it is closed. */
  terminateSession(sessionId: string, reason: string): Promise<boolean>;
  /** Ends every session of a console for good, unused tokens included. */
  terminateConsole(source: string, uuid: string, reason: string): Promise<{ fingerprints: string[] }>;
  /** One session's source and uuid, for audit; null when unknown. */
  find(sessionId: string): Promise<{ sessionId: string; source: string; uuid: string; state: string } | null>;
  /** Sessions with open channels, by session id. */
  listOpen(page: PageRequest): Promise<Page<OpenSession>>;
}
