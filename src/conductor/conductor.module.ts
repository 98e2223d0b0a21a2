// SPDX-License-Identifier: Apache-2.0
// Starts the background work.
import { Inject, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { CONF } from '../conf/conf.module.js';
import type { Conf } from '../conf/index.js';
import { Messaging } from '../messaging/messaging.js';
import { Database } from '../objects/database.js';
import { ServiceLife } from '../service/life.js';
import { BINARY } from '../service/service.module.js';
import { startConductor } from './conductor.js';

@Module({})
export class ConductorModule implements OnApplicationBootstrap {
  constructor(
    @Inject(ServiceLife) private readonly life: ServiceLife,
    @Inject(CONF) private readonly conf: Conf,
    @Inject(Database) private readonly db: Database,
    @Inject(Messaging) private readonly messaging: Messaging,
    @Inject(BINARY) private readonly program: string,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const { conf, db, messaging, program } = this;
    this.life.adopt(await startConductor({ conf, db, messaging, program }));
  }
}
