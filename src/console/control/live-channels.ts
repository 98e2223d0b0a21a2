// SPDX-License-Identifier: Apache-2.0
// The authorized channels of this node, whichever worker carries them: for limits, metrics, and to know whom to tell
// that a session ends.
import type { ChannelGrant, SessionOwner } from '../../objects/channel-types.js';
import { MAIN_CHANNEL } from '../../objects/console-session-state.js';
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
  readonly channelType: number;
  readonly owner: SessionOwner;
  readonly clientIp: string;
  /** A main channel: its hypervisor's MAIN_INIT has come, and the session is up. */
  established: boolean;
  /** A main channel: what was last written down of its instance's moves. */
  move: string | null;
  /** The channel's database work, one after the other: never rejects. */
  tail: Promise<void>;
}

/** The channel of a worker that was granted what it asked for: not linked yet, with nothing to write. */
export function liveChannel(
  worker: WorkerName,
  request: AuthorizeRequest,
  outcome: ChannelGrant,
): LiveChannel {
  const { connectionRef, sessionId, generation, source, uuid, owner } = outcome;
  const { clientIp, channelType } = request;
  return {
    ...{ connectionRef, sessionId, generation, source, uuid, owner, clientIp, channelType },
    established: false,
    move: null,
    workerId: worker.id,
    pid: worker.pid,
    tail: Promise.resolve(),
  };
}

/** Knows every authorized channel of the node. */
export class LiveChannels {
  private readonly byRef = new Map<string, LiveChannel>();
  private readonly bySession = new Map<string, Set<LiveChannel>>();
  private readonly addresses = new AddressCounts();

  /** How many channels are open. */
  get size(): number {
    return this.byRef.size;
  }

  /** How many channels this address has open. */
  ofAddress(address: string): number {
    return this.addresses.of(address);
  }

  /** The channel of this name. */
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

  /** The session's channels. */
  ofSession(sessionId: string): readonly LiveChannel[] {
    return [...(this.bySession.get(sessionId) ?? [])];
  }

  /** The channels that a worker carries. */
  ofWorker(workerId: number): readonly LiveChannel[] {
    return [...this.byRef.values()].filter((channel) => channel.workerId === workerId);
  }

  /** Every session that has a channel here, with its source. */
  sessions(): { sessionId: string; source: string }[] {
    return [...this.bySession].flatMap(([sessionId, [first]]) =>
      first === undefined ? [] : [{ sessionId, source: first.source }],
    );
  }

  /** Takes up a channel. */
  add(channel: LiveChannel): void {
    this.byRef.set(channel.connectionRef, channel);
    this.addresses.add(channel.clientIp);
    const members = this.bySession.get(channel.sessionId) ?? new Set();
    members.add(channel);
    this.bySession.set(channel.sessionId, members);
  }

  /** Forgets a channel; gives it, once. */
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
