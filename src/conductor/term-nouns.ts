// SPDX-License-Identifier: Apache-2.0
// The nouns that a term of a task writes with: made on the database of that term, which refuses statements as soon as the
// lease may be another process's. The nouns of objects.module.ts are made once in a process and would write on.
import type { Conf } from '../conf/index.js';
import { announceSettingsTo, announceTo } from '../messaging/announce.js';
import type { Messaging } from '../messaging/messaging.js';
import type { OwnNotifications } from '../notifications/own/own-notifications.js';
import { AuditEvents } from '../objects/audit-event.js';
import type { Clock } from '../objects/clock.js';
import { ConsoleChannels } from '../objects/console-channel.js';
import { Consoles } from '../objects/console.js';
import type { Database } from '../objects/database.js';
import { Services } from '../objects/service.js';
import { Sources } from '../objects/source.js';

/** The nouns of one term. */
export interface TermNouns {
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
  return (db, now) => ({
    audit: new AuditEvents(db, { now, service }),
    channels: new ConsoleChannels(db, { now, announce, service }),
    consoles: new Consoles(db, { node, pid: process.pid, service, now, settingsChanged }),
    services: new Services(db),
    sources: new Sources(db, {
      now,
      settingsChanged,
      changed: (source, fault) => own.sourceChanged({ source, fault, node }),
    }),
  });
}
