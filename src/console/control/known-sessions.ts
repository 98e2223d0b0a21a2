// SPDX-License-Identifier: Apache-2.0
// A cache of sessions whose main channel came up on this node a moment ago: about nine other channels follow at once, and
// what the database knows of their ticket is known here. It only spares a statement: whether the session still runs is
// decided by the statement that writes the channel's row, and the database is asked about all that does not match.
import { hash, timingSafeEqual } from 'node:crypto';
import type { ConnectInfo } from '../../objects/connect-info.js';
import type { ChannelGrant } from '../../objects/channel-types.js';
import { MAIN_CHANNEL } from '../../objects/console-session-state.js';

/** After this time the console may have moved, or be gone, without a message of it having reached this node. */
const KNOWN_FOR_MS = 10_000;

/** What a channel presents. */
interface Asking {
  readonly ticket: string;
  readonly connectionId: number;
  readonly channelType: number;
}

interface KnownSession {
  readonly hash: Buffer;
  readonly main: ChannelGrant;
  /** Milliseconds of the clock; null: the main channel has not come up yet. */
  upSince: number | null;
  backendConnectionId: number;
}

/** The sessions of this node that channels can join without a look into the database. */
export class KnownSessions {
  private readonly byRef = new Map<string, KnownSession>();
  private readonly byConnectionId = new Map<number, KnownSession>();

  /** @param now milliseconds, of a clock that is never set */
  constructor(private readonly now: () => number = () => performance.now()) {}

  /** A main channel was granted, and leads to `target`. */
  granted(ticket: string, grant: ChannelGrant, target: ConnectInfo): void {
    const main = { ...grant, connectInfo: target, migration: null };
    const known = { hash: hashOf(ticket), main, upSince: null, backendConnectionId: 0 };
    this.byRef.set(grant.connectionRef, known);
    this.byConnectionId.set(grant.proxyConnectionId, known);
  }

  /** The main channel has come up, under this session id of its backend. */
  established(connectionRef: string, backendConnectionId: number): void {
    const known = this.byRef.get(connectionRef);
    if (known === undefined) return;
    known.upSince = this.now();
    known.backendConnectionId = backendConnectionId;
  }

  /** A main channel has ended, or its console has changed. */
  forget(connectionRef: string): void {
    const known = this.byRef.get(connectionRef);
    if (known === undefined) return;
    this.byRef.delete(connectionRef);
    this.byConnectionId.delete(known.main.proxyConnectionId);
  }

  /** The main channel that this channel belongs to, with its backend's session id; null: ask the database. */
  mainOf({ ticket, connectionId, channelType }: Asking): ChannelGrant | null {
    if (channelType === MAIN_CHANNEL) return null;
    const known = this.byConnectionId.get(connectionId);
    if (known?.upSince === undefined || known.upSince === null) return null;
    if (this.now() - known.upSince > KNOWN_FOR_MS || !timingSafeEqual(hashOf(ticket), known.hash))
      return null;
    return { ...known.main, backendConnectionId: known.backendConnectionId };
  }
}

function hashOf(ticket: string): Buffer {
  return hash('sha256', ticket, 'buffer');
}
