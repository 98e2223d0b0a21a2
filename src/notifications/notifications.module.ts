// SPDX-License-Identifier: Apache-2.0
// Starts the consumption of Nova's notifications.
import { Inject, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { CONF } from '../conf/conf.module.js';
import { provider, tokenFor } from '../injection.js';
import { Messaging } from '../messaging/messaging.js';
import { AuditEvents } from '../objects/audit-event.js';
import { ConsoleSessions } from '../objects/console-session.js';
import { Consoles } from '../objects/console.js';
import { Database } from '../objects/database.js';
import { InstanceFacts } from '../objects/instance-fact.js';
import { ObjectsModule } from '../objects/objects.module.js';
import { ServiceLife } from '../service/life.js';
import { ProcessMetrics } from '../service/metrics.js';
import { SourceDrivers } from '../sources/source-drivers.js';
import { SourcesModule } from '../sources/sources.module.js';
import { startConsumption, type NotificationServices } from './consumer.js';
import { OwnNotificationsModule } from './own/own-notifications.module.js';
import { OwnNotifications } from './own/own-notifications.js';

const SERVICES = tokenFor<NotificationServices>('services of the consumption of notifications');

@Module({
  imports: [ObjectsModule, OwnNotificationsModule, SourcesModule],
  providers: [
    provider(
      SERVICES,
      [
        ...([CONF, Database, Messaging, ProcessMetrics, SourceDrivers, OwnNotifications] as const),
        ...([Consoles, InstanceFacts, ConsoleSessions, AuditEvents] as const),
      ],
      (...[conf, db, messaging, metrics, drivers, own, consoles, facts, sessions, audit]) => ({
        node: conf.default.nodeName,
        ...{ db, messaging, metrics, drivers, own, consoles, facts, sessions, audit },
      }),
    ),
  ],
})
export class NotificationsModule implements OnApplicationBootstrap {
  constructor(
    @Inject(ServiceLife) private readonly life: ServiceLife,
    @Inject(SERVICES) private readonly services: NotificationServices,
  ) {}

  onApplicationBootstrap(): void {
    this.life.adopt(startConsumption(this.services));
  }
}
