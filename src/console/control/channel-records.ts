// SPDX-License-Identifier: Apache-2.0
// What is written of the channels of this node: their audit events, and their rows. A channel's writes happen one
// after the other, those of many channels together, and are tried again while the database is away.
import { setImmediate } from 'node:timers/promises';
import type { ChannelEnd, EndedChannel } from '../../objects/channel-types.js';
import type { ConsoleChannels } from '../../objects/console-channel.js';
import type { Timers } from '../../net/timers.js';
import { MAIN_CHANNEL } from '../../objects/console-session-state.js';
import type { AuditQueue } from './audit-queue.js';
import { Gatherer } from './gatherer.js';
import type { Verdict } from '../ipc.js';
import type { LiveChannel } from './live-channels.js';
import type { Retries } from './retry.js';
import { channelName } from '../spice/constants.js';

/** For how long records are gathered. Nobody waits for a link to be recorded; a user who comes back waits for the end. */
const LINKS_MS = 50;
const ENDS_MS = 10;

/** Writes what becomes of channels. */
export class ChannelRecords {
  private readonly links: Gatherer<string>;
  private readonly ends: Gatherer<EndedChannel>;
  private readonly finishing = new Set<Promise<void>>();
  /** What has ended while repeating() is at work; null: it is not. */
  private again: { channel: LiveChannel; end: ChannelEnd }[] | null = null;

  constructor(
    private readonly channels: ConsoleChannels,
    private readonly auditQueue: AuditQueue,
    private readonly retries: Retries,
    private readonly node: string,
    timers: Timers,
  ) {
    this.links = new Gatherer(timers, LINKS_MS, (refs) => channels.linked(...refs));
    this.ends = new Gatherer(timers, ENDS_MS, (ended) => channels.closeChannels(ended));
  }

  /** Adds an event of a channel to the audit trail. */
  audit(channel: LiveChannel, message: string): void {
    const { source, uuid, sessionId, channelType, pid } = channel;
    this.auditQueue.add({
      ...{ source, uuid, pid, message, node: this.node },
      session_id: sessionId,
      channel: channelName(channelType),
    });
  }

  /** Adds what the firewall found on a channel to the audit trail. */
  auditVerdicts(channel: LiveChannel, verdicts: readonly Verdict[]): void {
    if (verdicts.length === 0) return;
    const totals = verdicts.map(({ rule, action, count }) => {
      const [enforced, observed] = action === 'enforced' ? [count, 0] : [0, count];
      return `${rule} (enforced=${enforced}, observed=${observed})`;
    });
    this.audit(channel, `Firewall verdicts this connection: ${totals.join(', ')}`);
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

  /** A channel was not granted, and it is not known whether it was written down: what there is of it is closed. */
  inDoubt(connectionRef: string): void {
    const end = { reason: 'control plane failed', bytesUp: 0, bytesDown: 0, duration: 0 } as const;
    this.await(this.retries.run(() => this.channels.closed(connectionRef, end), 'close a channel in doubt'));
  }

  /** Does what may open rows again, and then closes once more the rows of channels that ended meanwhile. */
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
   * Has what ended so far written at once, and waits for the first try of that: a user who comes back with the same token
   * must not meet the session's own main channel of a moment ago.
   */
  async catchUp(): Promise<void> {
    if (this.finishing.size === 0) return;
    // A channel's end is written after its link, and both wait for a turn to be handed over.
    await setImmediate();
    await this.links.flush();
    await setImmediate();
    await this.ends.flush();
  }

  /** Waits until all work on closed channels is in the database. */
  async settle(): Promise<void> {
    this.retries.hurry();
    await Promise.all(this.finishing);
  }

  private write(channel: LiveChannel, end: ChannelEnd): void {
    const { connectionRef, sessionId, generation, established } = channel;
    const main = channel.channelType === MAIN_CHANNEL ? { sessionId, generation, established } : null;
    this.chain(channel, () => this.ends.add({ connectionRef, end, main }));
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
