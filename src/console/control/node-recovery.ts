// SPDX-License-Identifier: Apache-2.0
// This node was taken for dead while its channels ran on: those that may go on are opened in the records again, the others
// end.
import { loggerFor } from '../../log.js';
import type { Timers } from '../../net/timers.js';
import { NODE_AUDIT } from '../../objects/audit-message.js';
import type { ConnectionToClose } from '../../objects/channel-types.js';
import { MAIN_CHANNEL } from '../../objects/console-session-state.js';
import type { ConsoleChannels } from '../../objects/console-channel.js';
import type { ChannelRecords } from './channel-records.js';
import type { ChannelRegistry, LiveChannel } from './channel-registry.js';
import type { ProxyMetrics } from './metrics.js';
import type { SessionWatch } from './session-watch.js';

const log = loggerFor('kerbside.console.node-recovery');

/** Between two checks of channels whose main channel is on another node that is down. */
const CHECK_PAUSE_MS = 1000;

/** What a {@link NodeRecovery} is made with. */
export interface RecoveryDependencies {
  readonly channels: Pick<ConsoleChannels, 'recover'>;
  readonly registry: ChannelRegistry;
  readonly records: ChannelRecords;
  readonly watch: SessionWatch;
  readonly metrics: ProxyMetrics;
  /** Name of this node. */
  readonly node: string;
  /** Seconds that the other nodes get to come back as well. */
  readonly timeout: number;
  readonly timers: Timers;
  /** Called with the main channel of each session that goes on. */
  readonly resumed: (main: LiveChannel) => void;
}

/** Brings the records of this node up to date again. */
export class NodeRecovery {
  private callOff = (): void => undefined;
  private stopped = false;
  /** The turn under way. One runs after the other: beside another it would miss channels that end meanwhile. */
  private current: Promise<void> = Promise.resolve();
  /** A run that has not begun yet. */
  private next: Promise<void> | undefined;
  private begunAt = -Infinity;

  constructor(private readonly parts: RecoveryDependencies) {}

  /** To be called when the node is back. @throws DatabaseError when the database is away again; call it again then */
  run(): Promise<void> {
    this.next ??= this.afterwards(() => {
      this.next = undefined;
      this.callOff();
      this.begunAt = this.parts.timers.now();
      return this.turn(this.parts.registry.all(), this.begunAt + this.parts.timeout * 1000);
    });
    return this.next;
  }

  /**
   * Whether the last run did not see a channel that is granted now: its row may have been closed with the others of this
   * node. @param requestedAt milliseconds of the timers
   */
  hasMissed(requestedAt: number): boolean {
    return requestedAt <= this.begunAt;
  }

  /** Checks no more. */
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
    const { channels: rows, records, watch, metrics, node } = this.parts;
    const { reopened, waiting, lost } = await records.repeating(() => rows.recover(node, channels));
    for (const ref of reopened) this.resume(ref);
    for (const channel of lost) this.giveUp(channel);
    metrics.recovered.inc({ outcome: 'reopened' }, reopened.length);
    metrics.recovered.inc({ outcome: 'lost' }, lost.length);
    if (reopened.length + lost.length > 0)
      log.warning('channels that ran on while this node was taken for dead', {
        ...{ reopened: reopened.length, lost: lost.length, waiting: waiting.length },
      });
    const left = this.find(waiting);
    watch.defer(left.map(({ sessionId }) => sessionId));
    if (left.length > 0) this.checkAgain(left, end);
  }

  private checkAgain(channels: readonly LiveChannel[], end: number): void {
    if (this.stopped) return;
    const { timers } = this.parts;
    this.callOff = timers.after(CHECK_PAUSE_MS, () => {
      const left = this.find(channels.map(({ connectionRef }) => connectionRef));
      if (timers.now() < end) {
        // While the database is away again the node is taken for dead again, and run() is called once more.
        void this.afterwards(() => this.turn(left, end)).catch(() => this.checkAgain(left, end));
        return;
      }
      this.parts.watch.defer([]);
      this.parts.metrics.recovered.inc({ outcome: 'lost' }, left.length);
      for (const { connectionRef, sessionId } of left)
        this.giveUp({ connectionRef, sessionId, terminated: false });
    });
  }

  private find(refs: readonly string[]): LiveChannel[] {
    return refs.map((ref) => this.parts.registry.find(ref)).filter((channel) => channel !== undefined);
  }

  private resume(ref: string): void {
    const channel = this.parts.registry.find(ref);
    if (channel?.channelType !== MAIN_CHANNEL) return;
    this.parts.records.audit(channel, NODE_AUDIT.returned);
    this.parts.resumed(channel);
  }

  private giveUp({ connectionRef, terminated, replaced }: ConnectionToClose): void {
    const channel = this.parts.registry.find(connectionRef);
    if (channel === undefined) return;
    const { sessionId, generation } = channel;
    const ended = terminated ? 'terminated by request' : 'node lost';
    this.parts.watch.end(sessionId, generation, replaced === true ? 'replaced' : ended);
  }
}
