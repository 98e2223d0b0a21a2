// SPDX-License-Identifier: Apache-2.0
// Sessions whose main channel came up on this node a moment ago: their other channels come at once, about nine of them,
// and what the database would say of the ticket is known. It only spares a look: whether the session still runs is
// decided by the statement that writes the channel's row, and what does not fit is asked of the database.
import { timingSafeEqual } from 'node:crypto';
import type { ConnectInfo } from '../../objects/connect-info.js';
import type { ChannelGrant } from '../../objects/channel-types.js';
import { MAIN_CHANNEL } from '../../objects/console-session-state.js';
import { hashToken } from '../../objects/console-token.js';

/** Milliseconds after which the console may have moved, or be gone, without this node having heard of it. */
const KNOWN_FOR = 10_000;

/** What a channel shows. */
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

/** Remembers sessions of this node. */
export class KnownSessions {
  private readonly byRef = new Map<string, KnownSession>();
  private readonly byConnectionId = new Map<number, KnownSession>();

  /** @param now milliseconds, of a clock that is never set */
  constructor(private readonly now: () => number = () => performance.now()) {}

  /** A main channel was granted, and leads to `target`. */
  granted(ticket: string, grant: ChannelGrant, target: ConnectInfo): void {
    const main = { ...grant, connectInfo: target };
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
    if (this.now() - known.upSince > KNOWN_FOR || !timingSafeEqual(hashOf(ticket), known.hash)) return null;
    return { ...known.main, backendConnectionId: known.backendConnectionId };
  }
}

function hashOf(ticket: string): Buffer {
  return Buffer.from(hashToken(ticket), 'hex');
}
