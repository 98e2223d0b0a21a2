// SPDX-License-Identifier: Apache-2.0
// The end of sessions on somebody's demand: the records, the notification and the audit trail of it. Whether they may
// demand it is for the caller to know.
import type { OwnNotifications } from '../notifications/own/own-notifications.js';
import type { AuditEvents } from '../objects/audit-event.js';
import { AUDIT } from '../objects/audit-message.js';
import type { ConsoleSessions, ConsoleTermination } from '../objects/console-session.js';
import type { Requester } from '../objects/requester.js';

/** A console, or the console of a session. */
export interface TerminationPlace {
  readonly source: string;
  readonly uuid: string;
}

/** Who ends sessions, and the reason that their records keep. */
export interface TerminationDemand {
  readonly by: Requester;
  readonly reason: string;
  /** What the audit trail says; absent: that it was on request. */
  readonly message?: string;
}

/** What a termination works with. */
interface TerminationParts {
  readonly sessions: Pick<ConsoleSessions, 'terminateSession' | 'terminateConsole' | 'usersOf'>;
  readonly events: Pick<AuditEvents, 'recordMany'>;
  readonly own: Pick<OwnNotifications, 'terminated'>;
  /** The name of this node. */
  readonly node: string;
}

/** Ends sessions on request of a user or an operator. */
export class SessionTermination {
  constructor(private readonly parts: TerminationParts) {}

  /**
   * Ends one session permanently. false: no such session, or it is closed. One that has been ending since an earlier demand
   * is true again, and leaves no second trail.
   *
   * @throws DatabaseError when the database is unavailable; the session may have ended even so
   */
  async session(sessionId: string, place: TerminationPlace, demand: TerminationDemand): Promise<boolean> {
    const came = await this.parts.sessions.terminateSession(sessionId, demand.reason);
    if (came === 'ended') await this.record([sessionId], place, demand);
    return came !== 'absent';
  }

  /**
   * Ends all sessions of a console permanently, and revokes its unused tokens.
   *
   * @throws DatabaseError when the database is unavailable; the sessions may have ended even so
   */
  async console(place: TerminationPlace, demand: TerminationDemand): Promise<ConsoleTermination> {
    const ended = await this.parts.sessions.terminateConsole(place.source, place.uuid, demand.reason);
    await this.record(ended.sessionIds, place, demand);
    return ended;
  }

  private async record(
    sessionIds: readonly string[],
    { source, uuid }: TerminationPlace,
    { by, reason, message = AUDIT.sessionTerminated }: TerminationDemand,
  ): Promise<void> {
    const { sessions, events, own, node } = this.parts;
    // Before the audit trail: the sessions are over even when the database goes away now.
    own.terminated({ source, uuid, sessionIds, by, reason, node });
    // A command is over before anybody reads of it: its process says nothing.
    const pid = by.kind === 'operator' ? null : process.pid;
    const users = await sessions.usersOf(sessionIds);
    await events.recordMany(
      sessionIds.map((id) => ({ source, uuid, session_id: id, node, pid, message, by, ...users.get(id) })),
    );
  }
}
