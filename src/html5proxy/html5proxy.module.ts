// SPDX-License-Identifier: Apache-2.0
// Starts the service for browsers.
import { Inject, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { BrokerModule } from '../broker/broker.module.js';
import { TokenExchange } from '../broker/token-exchange.js';
import { CONF } from '../conf/conf.module.js';
import type { Conf } from '../conf/index.js';
import { Database } from '../objects/database.js';
import { ServiceLife } from '../service/life.js';
import { ProcessMetrics } from '../service/metrics.js';
import { startHtml5Proxy } from './server.js';

@Module({ imports: [BrokerModule] })
export class Html5ProxyModule implements OnApplicationBootstrap {
  constructor(
    @Inject(ServiceLife) private readonly life: ServiceLife,
    @Inject(CONF) private readonly conf: Conf,
    @Inject(Database) private readonly db: Database,
    @Inject(ProcessMetrics) private readonly metrics: ProcessMetrics,
    @Inject(TokenExchange) private readonly exchange: TokenExchange,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const { conf, db, metrics, exchange } = this;
    this.life.adopt(await startHtml5Proxy({ conf, db, metrics, exchange }));
  }
}
