// SPDX-License-Identifier: Apache-2.0
// The records of this node's channels: their audit events and their rows. The writes of one channel happen one after the
// other, those of many channels together, and are tried again while the database is unavailable.
import { setImmediate } from 'node:timers/promises';
import type { ChannelEnd, EndedChannel } from '../../objects/channel-types.js';
import type { ConsoleChannels } from '../../objects/console-channel.js';
import type { Timers } from '../../net/timers.js';
import { MAIN_CHANNEL } from '../../objects/console-session-state.js';
import type { AuditQueue } from './audit-queue.js';
import { Gatherer } from './gatherer.js';
import type { PacingSummary, PolicyDrop, Verdict } from '../ipc.js';
import type { LiveChannel } from './channel-registry.js';
import type { Retries } from './retry.js';
import { channelName } from '../spice/constants.js';

/** For how long records are gathered. Nobody waits for that of a link, or of an end, ... */
const RECORDS_MS = 50;
/** ... but for that of a main channel's end: a user who reconnects through another node. */
const MAIN_ENDS_MS = 10;

/** Writes the records of channels. */
export class ChannelRecords {
  private readonly links: Gatherer<string>;
  private readonly ends: Gatherer<EndedChannel>;
  private readonly finishing = new Set<Promise<void>>();
  /** Channels that have ended during repeating(); null: it does not run. */
  private again: { channel: LiveChannel; end: ChannelEnd }[] | null = null;

  constructor(
    private readonly channels: Pick<ConsoleChannels, 'linked' | 'closed' | 'closeChannels' | 'closeWorker'>,
    private readonly auditQueue: Pick<AuditQueue, 'add'>,
    private readonly retries: Retries,
    private readonly node: string,
    private readonly timers: Timers,
  ) {
    this.links = new Gatherer(timers, RECORDS_MS, (refs) => channels.linked(...refs));
    this.ends = new Gatherer(timers, RECORDS_MS, (ended) => channels.closeChannels(ended));
  }

  /** Adds an event of a channel to the audit trail. */
  audit(channel: LiveChannel, message: string): void {
    const { source, uuid, sessionId, channelType, pid, owner, clientIp } = channel;
    this.auditQueue.add({
      ...{ source, uuid, session_id: sessionId, channel: channelName(channelType) },
      ...{ node: this.node, pid, message },
      issued_to: owner.issuedTo,
      client_ip: clientIp,
    });
  }

  /** Adds the firewall's verdicts on a channel to the audit trail. */
  auditVerdicts(channel: LiveChannel, verdicts: readonly Verdict[]): void {
    if (verdicts.length === 0) return;
    const totals = verdicts.map(({ rule, action, count }) => {
      const [enforced, observed] = action === 'enforced' ? [count, 0] : [0, count];
      return `${rule} (enforced=${enforced}, observed=${observed})`;
    });
    this.audit(channel, `Firewall verdicts this connection: ${totals.join(', ')}`);
  }

  /** Adds what the guest policy kept back on a channel to the audit trail. */
  auditDrops(channel: LiveChannel, drops: readonly PolicyDrop[]): void {
    if (drops.length === 0) return;
    const totals = drops.map(({ key, direction, count }) => `${key} (${direction}=${count})`);
    this.audit(channel, `Guest policy drops this connection: ${totals.join(', ')}`);
  }

  /** Adds how a channel was paced to the audit trail. */
  auditPacing(channel: LiveChannel, pacing: PacingSummary): void {
    const { pacedFor, rttMs, bandwidth, supersededDraws, supersededFrames, keyToDrawMs } = pacing;
    const facts = [
      `paced for ${pacedFor.toFixed(1)} s`,
      ...(rttMs === null ? [] : [`round trip ${rttMs.toFixed(0)} ms`]),
      ...(bandwidth === null ? [] : [`${(bandwidth / 125_000).toFixed(1)} Mbit/s`]),
      `${supersededDraws} draws and ${supersededFrames} frames superseded`,
      ...(keyToDrawMs === null ? [] : [`key to draw ${keyToDrawMs.toFixed(0)} ms`]),
    ];
    this.audit(channel, `Pacing this connection: ${facts.join(', ')}`);
  }

  /** The hypervisor has accepted a channel. */
  linked(channel: LiveChannel): void {
    this.chain(channel, () => this.links.add(channel.connectionRef));
  }

  /** A channel has ended. */
  closed(channel: LiveChannel, end: ChannelEnd): void {
    this.again?.push({ channel, end });
    this.write(channel, end);
  }

  /** A channel was not granted, and it is not known whether its row was written: closes the row if there is one. */
  inDoubt(connectionRef: string): void {
    const end = { reason: 'control plane failed', bytesUp: 0, bytesDown: 0, duration: 0 } as const;
    this.await(this.retries.run(() => this.channels.closed(connectionRef, end), 'close a channel in doubt'));
  }

  /** A worker has died: closes its rows that nothing else closes. */
  workerDied(pid: number): void {
    const close = (): Promise<unknown> => this.channels.closeWorker(this.node, pid);
    void this.retries.run(close, 'close the channels of a dead worker');
  }

  /** Runs work that may open rows again, and then closes the rows of channels that ended during it once more. */
  async repeating<T>(work: () => Promise<T>): Promise<T> {
    const again = (this.again ??= []);
    try {
      return await work();
    } finally {
      if (this.again === again) this.again = null;
      for (const { channel, end } of again) this.write(channel, end);
    }
  }

  /**
   * Writes all ends so far at once, and waits for the first try of that: a user who reconnects with the same token must
   * not be denied because of the main channel that has just ended.
   */
  async catchUp(): Promise<void> {
    if (this.finishing.size === 0) return;
    // A channel's end is written after its link, and each reaches its gatherer one turn later.
    await setImmediate();
    await this.links.flush();
    await setImmediate();
    await this.ends.flush();
  }

  /** Waits until all work on closed channels is in the database. */
  async settle(): Promise<void> {
    this.retries.retryNow();
    await Promise.all(this.finishing);
  }

  private write(channel: LiveChannel, end: ChannelEnd): void {
    const { connectionRef, sessionId, generation, established } = channel;
    const main = channel.channelType === MAIN_CHANNEL ? { sessionId, generation, established } : null;
    this.chain(channel, () => {
      if (main !== null) this.timers.after(MAIN_ENDS_MS, () => void this.ends.flush());
      return this.ends.add({ connectionRef, end, main });
    });
    this.await(channel.tail);
  }

  private await(done: Promise<void>): void {
    this.finishing.add(done);
    void done.then(() => this.finishing.delete(done));
  }

  private chain(channel: LiveChannel, work: () => Promise<void>): void {
    channel.tail = channel.tail.then(() => this.retries.run(work, 'record a channel'));
  }
}
