// SPDX-License-Identifier: Apache-2.0
// Starts the service for browsers.
import { Inject, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { BrokerModule } from '../broker/broker.module.js';
import { TokenExchange } from '../broker/token-exchange.js';
import { CONF } from '../conf/conf.module.js';
import { provider, tokenFor } from '../injection.js';
import { Database } from '../objects/database.js';
import { ConsoleTokens } from '../objects/console-token.js';
import { ObjectsModule } from '../objects/objects.module.js';
import { SessionOutcomes } from '../objects/session-outcome.js';
import { ServiceLife } from '../service/life.js';
import { ProcessMetrics } from '../service/metrics.js';
import { startHtml5Proxy, type Html5Services } from './server.js';

const SERVICES = tokenFor<Html5Services>('Html5Services');

@Module({
  imports: [BrokerModule, ObjectsModule],
  providers: [
    provider(
      SERVICES,
      [CONF, Database, ProcessMetrics, TokenExchange, SessionOutcomes, ConsoleTokens],
      (...[conf, db, metrics, exchange, outcomes, tokens]): Html5Services => ({
        ...{ conf, db, metrics, exchange, outcomes, tokens },
      }),
    ),
  ],
})
export class Html5ProxyModule implements OnApplicationBootstrap {
  constructor(
    @Inject(ServiceLife) private readonly life: ServiceLife,
    @Inject(SERVICES) private readonly services: Html5Services,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    this.life.adopt(await startHtml5Proxy(this.services));
  }
}
