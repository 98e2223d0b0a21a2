// SPDX-License-Identifier: Apache-2.0
// The interface between Kerbside and a platform: which consoles there are, and where one is at the moment a client
// connects. One driver serves one source of sources.yaml; it is replaced when the source's entry changes.
import type { KeyObject } from 'node:crypto';
import type { LocationFault } from '../close-reason.js';
import type { ConnectInfo } from '../objects/connect-info.js';
import type { ConsoleProtocol } from '../objects/console-protocol.js';
import type { CloudGuestPolicy } from '../objects/guest-policy-levels.js';
import { ALL_READ, type DiscoveredConsole, type UnreadConsoles } from '../objects/console.js';

/** A console that is about to be connected to, as the records have it. */
export interface RecordedConsole {
  readonly source: string;
  readonly uuid: string;
  /** Its last known address. */
  readonly target: ConnectInfo;
}

/** What a driver found. */
export interface Discovery {
  readonly consoles: readonly DiscoveredConsole[];
  readonly unread: UnreadConsoles;
  /** What is wrong with a part of the platform, in one line: shown as the source's error while all else is well. */
  readonly fault?: string | null;
}

/** A source that lists no console. */
export const NOTHING_LISTED: Discovery = { consoles: [], unread: ALL_READ };

/** Where a console is at this moment. A platform that mints says so without a ticket. */
export type Location =
  /** Where the records say: the platform has nothing newer to say, and was not asked. */
  | { readonly kind: 'recorded' }
  /** The platform says so now. The ticket in it may have been made for this connection. */
  | {
      readonly kind: 'confirmed';
      readonly target: ConnectInfo;
      /** What the platform says now of the data that may enter and leave; absent: it says nothing of that. */
      readonly guestPolicy?: CloudGuestPolicy;
    }
  /** The platform could not be asked; the last known address is all there is. */
  | { readonly kind: 'unconfirmed'; readonly why: string }
  /** Do not connect. */
  | { readonly kind: 'denied'; readonly why: LocationFault };

/** What a platform has made for the channels that connect now. */
export interface Minted {
  /**
   * Where they lead, with the ticket: everything that dialling takes. `hypervisor` is what `locate` calls the host of the
   * guest, so that a move is seen. Held in memory only: never written to a log or the database.
   */
  readonly target: ConnectInfo;
  /** Seconds, from the moment it was asked for, in which it opens channels. */
  readonly validFor: number;
}

/** Tokens that the platform itself hands to users; each stands for a console. */
export interface PlatformTokens {
  /**
   * The console that a token stands for; null when the platform does not know the token.
   * @param protocol what the console speaks, as the way says by which the token came: the platform does not
   * @throws InstanceNotReady, Unavailable
   */
  resolve(token: string, protocol: ConsoleProtocol, signal: AbortSignal): Promise<DiscoveredConsole | null>;
  /**
   * Records the console that a token stood for.
   * @throws InstanceNotReady when the platform says by now that it is not to be connected to
   */
  adopt(console: DiscoveredConsole, signal: AbortSignal): Promise<void>;
}

/**
 * Tokens that the platform signs and hands to users: JSON Web Tokens (RFC 7519, EdDSA) that name the machine in `sub` and are
 * good once. Whoever has the public key judges them: the platform is not asked.
 */
export interface SignedTokens {
  /** The platform, as people and the audit trail call it. */
  readonly platform: string;
  /**
   * The public key of an id (`kid`); null when the platform has none such. Strangers choose the id: the platform is asked
   * about unknown ones now and then only.
   * @throws Unavailable when the platform cannot be asked, and the key is not known
   */
  key(id: string, signal: AbortSignal): Promise<KeyObject | null>;
  /**
   * Records the console of a machine that has come since the last discovery; false when it has none.
   * @throws Unavailable
   */
  adopt(uuid: string, signal: AbortSignal): Promise<boolean>;
  /** Whom a token was made for, by its claims; null: it does not say. */
  holder(claims: Readonly<Record<string, unknown>>): string | null;
}

/** Consoles that the platform makes for a user who has logged in to it. */
export interface UserConsoles {
  /** Whether the platform has the machine, asked with Kerbside's own login. @throws Unavailable */
  has(uuid: string, signal: AbortSignal): Promise<boolean>;
  /**
   * Has the platform make a console as the user, and records it.
   * @param type the platform's word for a kind of console; the best that it has when absent
   * @param token the user's token of the platform. Secret.
   * @throws InstanceNotReady, PlatformRefused (the user may not), Unavailable
   */
  open(
    uuid: string,
    type: string | undefined,
    token: string,
    signal: AbortSignal,
  ): Promise<DiscoveredConsole>;
}

/**
 * One platform, for one source. A platform that can list its consoles has `discover`, and `watch` where it tells of changes; one whose consoles come in one by
 * one, as users ask for them, has `check` and `refresh`. Every method gives up when its signal fires.
 */
export interface SourceDriver {
  readonly type: string;
  /**
   * All consoles of the source. The same object as the time before says that nothing has changed.
   * @throws Unavailable when the platform does not answer or refuses: the known consoles then stay
   */
  discover?(signal: AbortSignal): Promise<Discovery>;
  /**
   * Hears of changes until the signal fires, and calls `changed` for each, and whenever it has lost or found the platform: the source is
   * then discovered at once, so that one that has this has `discover`, too. It never rejects: what is wrong, discovery says.
   */
  watch?(changed: () => void, signal: AbortSignal): Promise<void>;
  /**
   * Whether the platform answers.
   * @throws Unavailable when it does not, or refuses
   */
  check?(signal: AbortSignal): Promise<void>;
  /**
   * A known console as it is now; null when its machine is gone. Records nothing.
   * @throws Unavailable when the platform does not answer: the console then stays as it is
   */
  refresh?(console: DiscoveredConsole, signal: AbortSignal): Promise<DiscoveredConsole | null>;
  /**
   * Where a console is now. Asked before the main channel of a session opens; a driver that learns more than the records
   * know writes it down. Rejects only when the database does.
   */
  locate(console: RecordedConsole, signal: AbortSignal): Promise<Location>;
  /**
   * Makes the ticket of a console, on platforms whose tickets are made at connect time (`mintsTickets` of the platform).
   * Asked for when a channel opens and none that holds is kept (minted-tickets.ts): a main channel's is shared with the
   * channels that follow it, and a late channel has another one made. Never for one console twice at a time.
   * @throws InstanceNotReady when the machine cannot be connected to
   * @throws Unavailable, with one line for the operator
   */
  mint?(console: RecordedConsole, signal: AbortSignal): Promise<Minted>;
  /**
   * The names and addresses of all hypervisors of the platform: where its guests may be moved to.
   * @throws Unavailable when it does not answer, or does not say
   */
  hypervisors?(signal: AbortSignal): Promise<readonly string[]>;
  readonly tokens?: PlatformTokens;
  readonly signedTokens?: SignedTokens;
  readonly users?: UserConsoles;
}
