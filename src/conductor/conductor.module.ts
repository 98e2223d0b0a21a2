// SPDX-License-Identifier: Apache-2.0
// Starts the background work.
import { Inject, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { AuditMetrics } from '../audit/metrics.js';
import { makeSinks } from '../audit/sinks.js';
import { CONF } from '../conf/conf.module.js';
import { provider, tokenFor } from '../injection.js';
import { Messaging } from '../messaging/messaging.js';
import { OwnNotificationsModule } from '../notifications/own/own-notifications.module.js';
import { OwnNotifications } from '../notifications/own/own-notifications.js';
import { Database } from '../objects/database.js';
import { BINARY } from '../service/binary.js';
import { ServiceLife } from '../service/life.js';
import { ProcessMetrics } from '../service/metrics.js';
import { startConductor, type ConductorServices } from './conductor.js';
import { termNounFactory } from './term-nouns.js';

const SERVICES = tokenFor<ConductorServices>('services of the conductor');

@Module({
  imports: [OwnNotificationsModule],
  providers: [
    provider(
      SERVICES,
      [CONF, Database, Messaging, OwnNotifications, BINARY],
      (conf, db, messaging, own, program) => ({
        ...{ conf, db, own, program },
        nouns: termNounFactory(conf, messaging, own, program),
        audit: { sinks: makeSinks(conf, program), metrics: new AuditMetrics(db, conf.audit.sinks) },
      }),
    ),
  ],
})
export class ConductorModule implements OnApplicationBootstrap {
  constructor(
    @Inject(ServiceLife) private readonly life: ServiceLife,
    @Inject(SERVICES) private readonly services: ConductorServices,
    @Inject(ProcessMetrics) private readonly metrics: ProcessMetrics,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    this.metrics.add(this.services.audit.metrics);
    this.life.adopt(await startConductor(this.services));
  }
}
