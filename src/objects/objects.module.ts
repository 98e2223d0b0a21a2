// SPDX-License-Identifier: Apache-2.0
// Provides the nouns, each made once in a process. Those of a term of a lease (src/conductor/term-nouns.ts) are not here:
// they write to the database of that term.
import { Module } from '@nestjs/common';
import { CONF } from '../conf/conf.module.js';
import { optional, provider } from '../injection.js';
import { announceSettingsTo, announceTo } from '../messaging/announce.js';
import { Messaging } from '../messaging/messaging.js';
import { BINARY } from '../service/binary.js';
import { AccessLists } from './access.js';
import { AuditCursors } from './audit-cursor.js';
import { AuditEvents } from './audit-event.js';
import { AuditHolds } from './audit-hold.js';
import { ChannelAdmission } from './channel-admission.js';
import type { SessionRecordOptions } from './channel-types.js';
import { ConsoleChannels } from './console-channel.js';
import { ConsoleSessions } from './console-session.js';
import { ConsoleSettings } from './console-settings.js';
import { ConsoleTokens } from './console-token.js';
import { ConsoleUse } from './console-use.js';
import { Consoles } from './console.js';
import { Database } from './database.js';
import { deploymentOf } from './guest-policy-levels.js';
import { InstanceFacts } from './instance-fact.js';
import { Inventory } from './inventory.js';
import { Overview } from './overview.js';
import { Services } from './service.js';
import { SessionMigrations } from './session-migration.js';
import { SessionOutcomes } from './session-outcome.js';
import { SessionReplacement } from './session-replacement.js';
import { Sources } from './source.js';
import { UsedTokens } from './used-token.js';
import { Users } from './user.js';

const NOUNS = [
  provider(AccessLists, [Database], (db) => new AccessLists(db)),
  provider(AuditEvents, [Database, optional(BINARY)], (db, service) => new AuditEvents(db, { service })),
  provider(AuditCursors, [Database], (db) => new AuditCursors(db)),
  provider(AuditHolds, [Database], (db) => new AuditHolds(db)),
  provider(
    Consoles,
    [Database, CONF, optional(BINARY), optional(Messaging)],
    (db, conf, service, messaging) =>
      new Consoles(db, {
        ...{ node: conf.default.nodeName, pid: process.pid, service },
        ...(messaging === undefined ? {} : { settingsChanged: announceSettingsTo(messaging.fanout) }),
      }),
  ),
  provider(
    ConsoleSettings,
    [Database, CONF],
    (db, { guestPolicy }) => new ConsoleSettings(db, deploymentOf(guestPolicy)),
  ),
  provider(ChannelAdmission, [Database, CONF], (db, { console }) => new ChannelAdmission(db, console)),
  provider(SessionMigrations, [Database], (db) => new SessionMigrations(db)),
  provider(ConsoleChannels, [Database, optional(Messaging)], (db, messaging) => {
    return new ConsoleChannels(db, announcedBy(messaging));
  }),
  provider(ConsoleSessions, [Database, optional(Messaging)], (db, messaging) => {
    return new ConsoleSessions(db, announcedBy(messaging));
  }),
  provider(
    ConsoleTokens,
    [Database, CONF],
    (db, conf) => new ConsoleTokens(db, { tokenTtl: conf.console.tokenTtl }),
  ),
  provider(ConsoleUse, [Database, CONF], (db, { console }) => new ConsoleUse(db, console)),
  provider(InstanceFacts, [Database], (db) => new InstanceFacts(db)),
  provider(Inventory, [Database], (db) => new Inventory(db)),
  provider(Overview, [Database], (db) => new Overview(db)),
  provider(Services, [Database], (db) => new Services(db)),
  provider(SessionOutcomes, [Database, CONF], (db, { console }) => new SessionOutcomes(db, console)),
  provider(SessionReplacement, [Database, optional(Messaging)], (db, messaging) => {
    return new SessionReplacement(db, announcedBy(messaging));
  }),
  provider(Sources, [Database], (db) => new Sources(db)),
  provider(UsedTokens, [Database], (db) => new UsedTokens(db)),
  provider(Users, [Database], (db) => new Users(db)),
];

@Module({ providers: NOUNS, exports: NOUNS.map(({ provide }) => provide) })
export class ObjectsModule {}

// A command without messaging changes rows, which every node reads within its poll interval.
function announcedBy(messaging: Messaging | undefined): SessionRecordOptions {
  return messaging === undefined ? {} : { announce: announceTo(messaging.fanout) };
}
