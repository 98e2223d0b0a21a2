// SPDX-License-Identifier: Apache-2.0
// A session that is granted while another one holds its console: the other one is ended, audited and logged, and its channels
// get a moment to end, before the hypervisor is asked. A plain QEMU throws the first client out by itself as soon as the
// second one has linked: what ended the first session would then be a backend that closed.
import { loggerFor } from '../../log.js';
import type { Timers } from '../../net/timers.js';
import { replacedMessage } from '../../objects/audit-message.js';
import type { ChannelGrant } from '../../objects/channel-types.js';
import type { ConsoleSessions } from '../../objects/console-session.js';
import type { ReplacedSession, SessionReplacement } from '../../objects/session-replacement.js';
import type { AuditQueue } from './audit-queue.js';
import { DatabaseError } from '../../exception.js';

const log = loggerFor('kerbside.console.takeover');

/** For how long channels of a session that gave way may take to end: other nodes hear of it by a poll at the latest. */
const PATIENCE_MS = 1500;
const LOOK_PAUSE_MS = 40;

/** What a {@link ConsoleTakeover} is made with. */
export interface TakeoverDependencies {
  readonly replacement: Pick<SessionReplacement, 'takeOver' | 'isAnyOpen'>;
  readonly sessions: Pick<ConsoleSessions, 'usersOf'>;
  readonly audit: Pick<AuditQueue, 'add'>;
  /** Name of this node. */
  readonly node: string;
  readonly timers: Timers;
}

/** Lets the first session give way to the second. */
export class ConsoleTakeover {
  constructor(private readonly parts: TakeoverDependencies) {}

  /**
   * Takes the console for a session that was granted it; false: it has ended, or others were faster.
   * @throws DatabaseError
   */
  async take(grant: ChannelGrant): Promise<boolean> {
    const { replacement } = this.parts;
    const { taken, replaced } = await replacement.takeOver(grant);
    if (replaced.length > 0) await this.record(grant, replaced);
    if (taken) await this.waitFor(replaced);
    return taken;
  }

  private async record(grant: ChannelGrant, replaced: readonly ReplacedSession[]): Promise<void> {
    const { sessions, audit, node } = this.parts;
    const { source, uuid, sessionId: by, owner } = grant;
    const users = await sessions.usersOf(replaced.map(({ sessionId }) => sessionId)).catch(noneKnown);
    for (const { sessionId } of replaced) {
      log.info('session replaced', {
        session_id: sessionId,
        source,
        uuid,
        by: owner.issuedTo,
        by_session: by,
      });
      const message = replacedMessage(owner.issuedTo);
      audit.add({
        source,
        uuid,
        session_id: sessionId,
        node,
        pid: process.pid,
        message,
        ...users.get(sessionId),
      });
    }
  }

  private async waitFor(replaced: readonly ReplacedSession[]): Promise<void> {
    const { replacement, timers } = this.parts;
    const end = timers.now() + PATIENCE_MS;
    while (timers.now() < end && (await replacement.isAnyOpen(replaced)))
      await new Promise<void>((resolve) => timers.after(LOOK_PAUSE_MS, resolve));
  }
}

/** The sessions have ended all the same. */
function noneKnown(error: unknown): Awaited<ReturnType<ConsoleSessions['usersOf']>> {
  if (error instanceof DatabaseError) return new Map();
  throw error;
}
