// SPDX-License-Identifier: Apache-2.0
// The authorized channels of this node, of all its workers: for limits, for metrics, and to find the workers of a session
// that ends.
import type { CloseReason } from '../../close-reason.js';
import type { ConnectInfo } from '../../objects/connect-info.js';
import type { ChannelGrant, ChannelMigration, SessionOwner } from '../../objects/channel-types.js';
import { MAIN_CHANNEL } from '../../objects/console-session-state.js';
import type { SessionOwnSettings } from '../../objects/own-settings.js';
import type { AuthorizeRequest } from '../ipc.js';
import { AddressCounts } from '../../net/address-counts.js';

/** A worker as the control plane sees it. */
export interface WorkerName {
  readonly id: number;
  readonly pid: number;
}

/** One authorized channel. */
export interface LiveChannel {
  readonly connectionRef: string;
  readonly workerId: number;
  readonly pid: number;
  readonly sessionId: string;
  readonly generation: number;
  readonly source: string;
  readonly uuid: string;
  /** Name of its console. */
  readonly name: string;
  readonly channelType: number;
  readonly owner: SessionOwner;
  /** The type of its source, and where its console is in the records. */
  readonly platform: string;
  readonly recorded: ConnectInfo;
  readonly clientIp: string;
  /** What its console, or else its source, says for itself; replaced when they say otherwise. */
  settings: SessionOwnSettings;
  /** A main channel: its hypervisor's MAIN_INIT has come, and the session is up. */
  established: boolean;
  /** The migration that it comes of; null: none. */
  readonly migration: ChannelMigration | null;
  /** A main channel that comes of a migration: its client has arrived there. */
  wentOver: boolean;
  /** A main channel: the number of the migration that its client was told of, and may be opening channels for. */
  migrating: number | null;
  /** A main channel: the guest has left by that migration. */
  moved: boolean;
  /** A main channel: whether its session is the only one that its console may have. */
  holds: boolean;
  /** A main channel: the last recorded step of its instance's migration. */
  move: string | null;
  /** Why its worker was told to end it, first of all orders; null: it was not. */
  ordered: CloseReason | null;
  /** The channel's database work, one after the other: never rejects. */
  tail: Promise<void>;
}

/** The channel of a worker that was granted what it asked for: not linked yet, with nothing to write. */
export function liveChannel(
  worker: WorkerName,
  request: AuthorizeRequest,
  outcome: ChannelGrant,
): LiveChannel {
  const { connectionRef, sessionId, generation, source, uuid, name, owner, settings } = outcome;
  const { platform, connectInfo: recorded, migration } = outcome;
  const { clientIp, channelType } = request;
  return {
    connectionRef,
    workerId: worker.id,
    pid: worker.pid,
    sessionId,
    generation,
    source,
    uuid,
    name,
    channelType,
    owner,
    platform,
    recorded,
    clientIp,
    settings,
    established: false,
    migration,
    wentOver: false,
    migrating: null,
    moved: false,
    holds: outcome.hold === 'holds',
    move: null,
    ordered: null,
    tail: Promise.resolve(),
  };
}

/** Every authorized channel of the node. */
export class ChannelRegistry {
  private readonly byRef = new Map<string, LiveChannel>();
  private readonly bySession = new Map<string, Set<LiveChannel>>();
  private readonly addresses = new AddressCounts();
  /** Workers that have ended: few in a process's life, and ids are not used again. */
  private readonly gone = new Set<number>();

  /** How many channels are open. */
  get size(): number {
    return this.byRef.size;
  }

  /** How many channels this address has open. */
  ofAddress(address: string): number {
    return this.addresses.of(address);
  }

  /** The channel of this row. */
  find(connectionRef: string): LiveChannel | undefined {
    return this.byRef.get(connectionRef);
  }

  /** Every channel. */
  all(): readonly LiveChannel[] {
    return [...this.byRef.values()];
  }

  /** How many sessions have a channel here. */
  get sessionCount(): number {
    return this.bySession.size;
  }

  /** The main channels at a console. */
  mainsOf(source: string, uuid: string): readonly LiveChannel[] {
    return this.all().filter(
      (channel) => channel.channelType === MAIN_CHANNEL && channel.uuid === uuid && channel.source === source,
    );
  }

  /** The channels at a console, of all its sessions. */
  ofConsole(source: string, uuid: string): readonly LiveChannel[] {
    return this.all().filter((channel) => channel.uuid === uuid && channel.source === source);
  }

  /** The session's channels. */
  ofSession(sessionId: string): readonly LiveChannel[] {
    return [...(this.bySession.get(sessionId) ?? [])];
  }

  /** Removes the channels of a worker that has ended, and gives them. */
  removeWorker(workerId: number): readonly LiveChannel[] {
    this.gone.add(workerId);
    const carried = this.all().filter((channel) => channel.workerId === workerId);
    for (const { connectionRef } of carried) this.remove(connectionRef);
    return carried;
  }

  /** Whether a worker has ended. */
  isGone(workerId: number): boolean {
    return this.gone.has(workerId);
  }

  /** Every session that has a channel here, with its source. */
  sessions(): { sessionId: string; source: string; settings: SessionOwnSettings }[] {
    return [...this.bySession].flatMap(([sessionId, [first]]) =>
      first === undefined ? [] : [{ sessionId, source: first.source, settings: first.settings }],
    );
  }

  /** Adds a channel. */
  add(channel: LiveChannel): void {
    this.byRef.set(channel.connectionRef, channel);
    this.addresses.add(channel.clientIp);
    const members = this.bySession.get(channel.sessionId) ?? new Set();
    members.add(channel);
    this.bySession.set(channel.sessionId, members);
  }

  /** Removes a channel and gives it; undefined when it was removed before. */
  remove(connectionRef: string): LiveChannel | undefined {
    const channel = this.byRef.get(connectionRef);
    if (channel === undefined) return undefined;
    this.byRef.delete(connectionRef);
    this.addresses.remove(channel.clientIp);
    const members = this.bySession.get(channel.sessionId);
    members?.delete(channel);
    if (members?.size === 0) this.bySession.delete(channel.sessionId);
    return channel;
  }
}
