// SPDX-License-Identifier: Apache-2.0
// A session that has lost one of its channels for good ends as a whole: its user would else see a desktop whose keys, or
// whose sound, do nothing, and nobody would say why. A channel that client or server closes is not lost.
import { loggerFor } from '../../log.js';
import type { Timers } from '../../net/timers.js';
import { endedByLoss } from '../../objects/audit-message.js';
import type { ConsoleSessions } from '../../objects/console-session.js';
import { MAIN_CHANNEL } from '../../objects/console-session-state.js';
import type { CloseReason } from '../../close-reason.js';
import { channelName } from '../spice/constants.js';
import type { ChannelRecords } from './channel-records.js';
import type { ChannelRegistry, LiveChannel } from './channel-registry.js';
import type { Retries } from './retry.js';
import type { SessionWatch } from './session-watch.js';

const log = loggerFor('kerbside.console.control-plane');

/** Clients that quit reset channels whose last bytes they have not read: their main channel ends within that. */
const MAIN_FOLLOWS_MS = 1000;

/** Ends that neither client nor server wanted. */
const LOSSES: ReadonlySet<CloseReason> = new Set<CloseReason>([
  'client connection lost',
  'backend connection lost',
  'client stopped reading',
  'backend stopped reading',
  'proxy worker died',
]);

/** What a {@link LostChannels} is made with. */
export interface LossDependencies {
  readonly sessions: Pick<ConsoleSessions, 'interruptSession'>;
  readonly registry: ChannelRegistry;
  readonly records: ChannelRecords;
  readonly watch: SessionWatch;
  readonly retries: Retries;
  readonly timers: Timers;
}

/** Ends the sessions whose channels were lost. */
export class LostChannels {
  /** By session: calls its end off. */
  private readonly due = new Map<string, () => void>();

  constructor(private readonly parts: LossDependencies) {}

  /** A channel of this node has ended, and is no longer in the registry. */
  closed(channel: LiveChannel, reason: CloseReason): void {
    const { sessionId, channelType } = channel;
    if (channelType === MAIN_CHANNEL) {
      this.callOff(sessionId);
      return;
    }
    if (!LOSSES.has(reason) || this.due.has(sessionId)) return;
    const end = (): void => {
      this.due.delete(sessionId);
      this.end(channel, reason);
    };
    this.due.set(sessionId, this.parts.timers.after(MAIN_FOLLOWS_MS, end));
  }

  /** Ends nothing more. */
  close(): void {
    for (const sessionId of [...this.due.keys()]) this.callOff(sessionId);
  }

  private callOff(sessionId: string): void {
    this.due.get(sessionId)?.();
    this.due.delete(sessionId);
  }

  private end(channel: LiveChannel, reason: CloseReason): void {
    const { registry, watch, retries, sessions } = this.parts;
    const { sessionId, generation } = channel;
    const mainIsHere = registry
      .ofSession(sessionId)
      .some((other) => other.channelType === MAIN_CHANNEL && other.generation === generation);
    watch.end(sessionId, generation, 'other channel lost');
    if (mainIsHere) {
      this.tell(channel, reason);
      return;
    }
    // The main channel is on another node, or ended before.
    void retries.run(async () => {
      if (await sessions.interruptSession(sessionId, generation)) this.tell(channel, reason);
    }, 'end a session that has lost a channel');
  }

  private tell(channel: LiveChannel, reason: CloseReason): void {
    const name = channelName(channel.channelType) ?? 'unknown';
    this.parts.records.audit(channel, endedByLoss(name, reason));
    const { sessionId: session, source, uuid } = channel;
    log.warning('session ended: one of its channels was lost', {
      ...{ session, source, console: uuid, channel: name, reason },
    });
  }
}
