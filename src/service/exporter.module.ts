// SPDX-License-Identifier: Apache-2.0
// Starts the exporter of a program whose parts serve no metrics themselves: the conductor alone.
import { Inject, Module, type OnApplicationBootstrap } from '@nestjs/common';
import { CONF } from '../conf/conf.module.js';
import type { Conf } from '../conf/index.js';
import { Database } from '../objects/database.js';
import { ServiceLife } from './life.js';
import { ProcessMetrics, startExporter } from './metrics.js';

@Module({})
export class ExporterModule implements OnApplicationBootstrap {
  constructor(
    @Inject(ServiceLife) private readonly life: ServiceLife,
    @Inject(CONF) private readonly conf: Conf,
    @Inject(Database) private readonly db: Database,
    @Inject(ProcessMetrics) private readonly metrics: ProcessMetrics,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const { conf, db, metrics } = this;
    this.life.adopt(await startExporter({ conf, db, metrics }));
  }
}
