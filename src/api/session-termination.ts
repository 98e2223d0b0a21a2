// SPDX-License-Identifier: Apache-2.0
// The end of sessions by a user of the REST API: the records, the audit trail and the notification of it.
import type { Request } from 'express';
import type { Conf } from '../conf/index.js';
import type { OwnNotifications } from '../notifications/own/own-notifications.js';
import { AUDIT } from '../objects/audit-message.js';
import type { AuditEvents } from '../objects/audit-event.js';
import type { ConsoleSessions, ConsoleTermination } from '../objects/console-session.js';
import { contextOf } from './request-context.js';

/** A console, or the console of a session. */
interface Place {
  readonly source: string;
  readonly uuid: string;
}

const BY_SESSION = 'session terminated by request';
const BY_CONSOLE = 'console terminated by request';

/** Ends sessions on behalf of whoever asks. */
export class SessionTermination {
  constructor(
    private readonly parts: {
      readonly conf: Conf;
      readonly sessions: ConsoleSessions;
      readonly events: AuditEvents;
      readonly own: OwnNotifications;
    },
  ) {}

  /** Ends one session for good. false: no such session, or it is closed. */
  async session(request: Request, sessionId: string, place: Place): Promise<boolean> {
    if (!(await this.parts.sessions.terminateSession(sessionId, BY_SESSION))) return false;
    await this.record(request, [sessionId], place, BY_SESSION);
    return true;
  }

  /** Ends all sessions of a console for good, and makes its unused tokens worthless. */
  async console(request: Request, { source, uuid }: Place): Promise<ConsoleTermination> {
    const ended = await this.parts.sessions.terminateConsole(source, uuid, BY_CONSOLE);
    await this.record(request, ended.sessionIds, { source, uuid }, BY_CONSOLE);
    return ended;
  }

  private async record(
    request: Request,
    sessionIds: readonly string[],
    { source, uuid }: Place,
    reason: string,
  ): Promise<void> {
    const { conf, events, own } = this.parts;
    const node = conf.default.nodeName;
    const { user = null, userId = null, projectId = null } = contextOf(request);
    const by = { kind: 'user', name: user, userId, projectId } as const;
    // Before the audit trail: the sessions are over even when the database goes away now.
    own.terminated({ source, uuid, sessionIds, by, reason, node });
    const message = AUDIT.sessionTerminated;
    await events.recordMany(
      sessionIds.map((session_id) => ({ source, uuid, session_id, node, pid: process.pid, message })),
    );
  }
}
