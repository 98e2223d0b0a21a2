// SPDX-License-Identifier: Apache-2.0
// What the hearing of notifications says of its database, on which it depends whether messages that failed are given up.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openDatabase, type OpenDatabase } from '../../fixtures/open-database.js';
import { LocalFanout } from '../../../src/messaging/fanout.js';
import type { Messaging, NotificationHandler } from '../../../src/messaging/messaging.js';
import { openMessaging } from '../../../src/messaging/messaging.js';
import { OwnNotifications } from '../../../src/notifications/own/own-notifications.js';
import { AuditEvents } from '../../../src/objects/audit-event.js';
import { ConsoleSessions } from '../../../src/objects/console-session.js';
import { Consoles } from '../../../src/objects/console.js';
import { InstanceFacts } from '../../../src/objects/instance-fact.js';
import { Sources } from '../../../src/objects/source.js';
import { SourceDrivers } from '../../../src/sources/source-drivers.js';
import { ProcessMetrics } from '../../../src/service/metrics.js';
import { startConsumption } from '../../../src/notifications/consumer.js';
import { messagingConf } from '../../fixtures/messaging-conf.js';

let folder: string;
let db: OpenDatabase;
let messaging: Messaging;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kerbside-consumer-'));
  const connection = `sqlite:///${join(folder, 'kerbside.sqlite')}`;
  const encryptionKeyFile = join(folder, 'encryption.key');
  db = await openDatabase({ connection, encryptionKeyFile, maxPoolSize: 2 }, { sync: true });
  messaging = openMessaging(messagingConf({}), 'kerbside-conductor');
});
afterEach(async () => {
  await Promise.all([messaging.close(), db.close()]);
  rmSync(folder, { recursive: true, force: true });
});

describe('the hearing of notifications', () => {
  it('holds nothing against a message while its database is away, and only then', async () => {
    const handlers: NotificationHandler[] = [];
    const listen: Messaging['listen'] = (handler) => {
      handlers.push(handler);
      return messaging.listen(handler);
    };
    const conf = messagingConf({});
    const fanout = new LocalFanout();
    const { notifier } = messaging;
    const node = conf.default.nodeName;
    const consoles = new Consoles(db, { node, pid: process.pid });
    const notifications = startConsumption({
      ...{ node, db, consoles, metrics: new ProcessMetrics() },
      drivers: new SourceDrivers(new Sources(db), { consoles, conf }),
      own: new OwnNotifications(notifier, conf),
      facts: new InstanceFacts(db),
      sessions: new ConsoleSessions(db),
      audit: new AuditEvents(db),
      messaging: {
        ...{ fanout, notifier, listen },
        status: () => messaging.status(),
        close: () => messaging.close(),
      },
    });
    expect(await handlers[0]?.isAway?.()).toBe(false);
    rmSync(join(folder, 'kerbside.sqlite'));
    expect(await handlers[0]?.isAway?.()).toBe(true);
    await notifications.close();
  });
});
