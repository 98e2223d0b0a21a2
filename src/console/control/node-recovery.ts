// SPDX-License-Identifier: Apache-2.0
// This node was taken for dead while its channels ran on: what may go on is put back into the records, what may not ends.
import { loggerFor } from '../../log.js';
import type { Timers } from '../../net/timers.js';
import { NODE_AUDIT } from '../../objects/audit-message.js';
import { MAIN_CHANNEL } from '../../objects/console-session-state.js';
import type { ConsoleChannels } from '../../objects/console-channel.js';
import type { ChannelRecords } from './channel-records.js';
import type { LiveChannel, LiveChannels } from './live-channels.js';
import type { ProxyMetrics } from './metrics.js';
import type { SessionEndings } from './session-endings.js';

const log = loggerFor('kerbside.console.node-recovery');

/** Milliseconds between two looks at channels whose main channel is on another node that is away. */
const LOOK_PAUSE = 1000;

/** What a recovery works with. */
export interface RecoveryParts {
  readonly channels: ConsoleChannels;
  readonly live: LiveChannels;
  readonly records: ChannelRecords;
  readonly endings: SessionEndings;
  readonly metrics: ProxyMetrics;
  /** Name of this node. */
  readonly node: string;
  /** Seconds that the other nodes get to come back as well. */
  readonly patience: number;
  readonly timers: Timers;
  /** A session of this node goes on after all. */
  readonly resumed: (main: LiveChannel) => void;
}

/** Makes the records of this node true again. */
export class NodeRecovery {
  private callOff = (): void => undefined;
  private stopped = false;
  /** The turn under way: they happen one after the other, or one would hide from another what has ended meanwhile. */
  private current: Promise<void> = Promise.resolve();
  /** A run that has not begun yet. */
  private next: Promise<void> | undefined;
  private begunAt = -Infinity;

  constructor(private readonly parts: RecoveryParts) {}

  /** To be called when the node is back. @throws DatabaseError when the database is away again; call it anew then */
  run(): Promise<void> {
    this.next ??= this.afterwards(() => {
      this.next = undefined;
      this.callOff();
      this.begunAt = this.parts.timers.now();
      return this.turn(this.parts.live.all(), this.begunAt + this.parts.patience * 1000);
    });
    return this.next;
  }

  /**
   * Whether the last run did not see a channel that is granted now: its row may have been closed with the others of this
   * node. @param asked when it was asked for, milliseconds of the timers
   */
  hasMissed(asked: number): boolean {
    return asked <= this.begunAt;
  }

  /** Looks no more. */
  close(): void {
    this.stopped = true;
    this.callOff();
  }

  private afterwards(work: () => Promise<void>): Promise<void> {
    const done = this.current.then(work);
    this.current = done.catch(() => undefined);
    return done;
  }

  private async turn(channels: readonly LiveChannel[], end: number): Promise<void> {
    const { channels: rows, records, endings, metrics, node } = this.parts;
    const { reopened, waiting, lost } = await records.repeating(() => rows.recover(node, channels));
    for (const ref of reopened) this.resume(ref);
    for (const { connectionRef, terminated } of lost) this.giveUp(connectionRef, terminated);
    metrics.recovered.inc({ outcome: 'reopened' }, reopened.length);
    metrics.recovered.inc({ outcome: 'lost' }, lost.length);
    if (reopened.length + lost.length > 0)
      log.warning('channels that ran on while this node was taken for dead', {
        ...{ reopened: reopened.length, lost: lost.length, waiting: waiting.length },
      });
    const left = this.find(waiting);
    endings.hold(left.map(({ sessionId }) => sessionId));
    if (left.length > 0) this.lookAgain(left, end);
  }

  private lookAgain(channels: readonly LiveChannel[], end: number): void {
    if (this.stopped) return;
    const { timers } = this.parts;
    this.callOff = timers.after(LOOK_PAUSE, () => {
      const left = this.find(channels.map(({ connectionRef }) => connectionRef));
      if (timers.now() < end) {
        // A database that is away again makes the node one that is away again: run() is called once more.
        void this.afterwards(() => this.turn(left, end)).catch(() => this.lookAgain(left, end));
        return;
      }
      this.parts.endings.hold([]);
      this.parts.metrics.recovered.inc({ outcome: 'lost' }, left.length);
      for (const { connectionRef } of left) this.giveUp(connectionRef, false);
    });
  }

  private find(refs: readonly string[]): LiveChannel[] {
    return refs.map((ref) => this.parts.live.find(ref)).filter((channel) => channel !== undefined);
  }

  private resume(ref: string): void {
    const channel = this.parts.live.find(ref);
    if (channel?.channelType !== MAIN_CHANNEL) return;
    this.parts.records.audit(channel, NODE_AUDIT.returned);
    this.parts.resumed(channel);
  }

  private giveUp(ref: string, terminated: boolean): void {
    const channel = this.parts.live.find(ref);
    if (channel === undefined) return;
    const { sessionId, generation } = channel;
    this.parts.endings.end(sessionId, generation, terminated ? 'terminated by request' : 'node lost');
  }
}
