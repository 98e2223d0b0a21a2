// SPDX-License-Identifier: Apache-2.0
// Starts the proxy of this node: the parent process of the relay workers. A worker itself is no part of Nest.
import { Inject, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { CONF } from '../conf/conf.module.js';
import { provider, tokenFor } from '../injection.js';
import { Messaging } from '../messaging/messaging.js';
import { OwnNotificationsModule } from '../notifications/own/own-notifications.module.js';
import { OwnNotifications } from '../notifications/own/own-notifications.js';
import { AuditEvents } from '../objects/audit-event.js';
import { ChannelAdmission } from '../objects/channel-admission.js';
import { ConsoleChannels } from '../objects/console-channel.js';
import { ConsoleSessions } from '../objects/console-session.js';
import { ConsoleSettings } from '../objects/console-settings.js';
import { Database } from '../objects/database.js';
import { SessionMigrations } from '../objects/session-migration.js';
import { ObjectsModule } from '../objects/objects.module.js';
import { Heartbeat } from '../service/heartbeat.js';
import { SessionReplacement } from '../objects/session-replacement.js';
import { ServiceLife } from '../service/life.js';
import { ProcessMetrics } from '../service/metrics.js';
import { Locator } from '../sources/locator.js';
import { SourcesModule } from '../sources/sources.module.js';
import { startProxy, type ProxyServices } from './supervisor.js';

const SERVICES = tokenFor<ProxyServices>('services of the proxy');

@Module({
  imports: [ObjectsModule, OwnNotificationsModule, SourcesModule],
  providers: [
    provider(
      SERVICES,
      [
        ...([CONF, Database, Messaging, Heartbeat, ProcessMetrics] as const),
        ...([AuditEvents, OwnNotifications, Locator] as const),
        ...([ChannelAdmission, ConsoleChannels, ConsoleSessions, ConsoleSettings] as const),
        ...([SessionMigrations, SessionReplacement] as const),
      ],
      (
        ...[
          conf,
          db,
          messaging,
          liveness,
          metrics,
          events,
          own,
          locator,
          admission,
          channels,
          sessions,
          settings,
          migrations,
          replacement,
        ]
      ) => ({
        ...{ conf, db, messaging, liveness, metrics, events, own, locator },
        nouns: { admission, channels, sessions, settings, migrations, replacement },
      }),
    ),
  ],
})
export class ConsoleModule implements OnApplicationBootstrap {
  constructor(
    @Inject(ServiceLife) private readonly life: ServiceLife,
    @Inject(SERVICES) private readonly services: ProxyServices,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    this.life.adopt(await startProxy(this.services));
  }
}
