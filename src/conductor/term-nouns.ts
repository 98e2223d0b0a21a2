// SPDX-License-Identifier: Apache-2.0
// The nouns that a term of a task writes with: made on the database of that term, which refuses statements as soon as the
// lease may be another process's. The nouns of objects.module.ts are made once in a process and would write on.
import { AccessReview } from '../broker/access-review.js';
import { SessionTermination } from '../broker/session-termination.js';
import type { Conf } from '../conf/index.js';
import { announceSettingsTo, announceTo } from '../messaging/announce.js';
import type { Messaging } from '../messaging/messaging.js';
import type { OwnNotifications } from '../notifications/own/own-notifications.js';
import { AccessLists } from '../objects/access.js';
import { AuditEvents } from '../objects/audit-event.js';
import type { Clock } from '../objects/clock.js';
import { ConsoleChannels } from '../objects/console-channel.js';
import { ConsoleSessions } from '../objects/console-session.js';
import { Consoles } from '../objects/console.js';
import type { Database } from '../objects/database.js';
import { Services } from '../objects/service.js';
import { Sources } from '../objects/source.js';

/** The nouns of one term. */
export interface TermNouns {
  readonly access: AccessReview;
  readonly audit: AuditEvents;
  readonly channels: ConsoleChannels;
  readonly consoles: Consoles;
  readonly services: Services;
  readonly sources: Sources;
}

/** Makes the nouns of a term. @param now the database's time, so that the clock of this machine may be wrong */
export type TermNounFactory = (db: Database, now: Clock) => TermNouns;

/** The factory of this process. @param service the name of the program, for the audit trail */
export function termNounFactory(
  conf: Conf,
  messaging: Messaging,
  own: OwnNotifications,
  service: string,
): TermNounFactory {
  const node = conf.default.nodeName;
  const announce = announceTo(messaging.fanout);
  const settingsChanged = announceSettingsTo(messaging.fanout);
  return (db, now) => {
    const audit = new AuditEvents(db, { now, service });
    const sessions = new ConsoleSessions(db, { now, announce });
    const termination = new SessionTermination({ sessions, events: audit, own, node });
    return {
      access: new AccessReview(new AccessLists(db), termination),
      audit,
      channels: new ConsoleChannels(db, { now, announce, service }),
      consoles: new Consoles(db, { node, pid: process.pid, service, now, settingsChanged }),
      services: new Services(db),
      sources: new Sources(db, {
        now,
        settingsChanged,
        changed: (source, fault) => own.sourceChanged({ source, fault, node }),
      }),
    };
  };
}
