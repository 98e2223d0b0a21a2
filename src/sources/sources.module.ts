// SPDX-License-Identifier: Apache-2.0
// Gives the drivers that can be asked about one console now. What reads sources.yaml and discovers consoles belongs to the
// term of a lease: src/conductor/tasks.ts.
import { Module } from '@nestjs/common';
import { CONF } from '../conf/conf.module.js';
import { provider } from '../injection.js';
import { Consoles } from '../objects/console.js';
import { ObjectsModule } from '../objects/objects.module.js';
import { Sources } from '../objects/source.js';
import { Locator } from './locator.js';
import { SourceDrivers } from './source-drivers.js';

@Module({
  imports: [ObjectsModule],
  providers: [
    provider(
      SourceDrivers,
      [Sources, Consoles, CONF],
      (sources, consoles, conf) => new SourceDrivers(sources, { consoles, conf }),
    ),
    provider(Locator, [SourceDrivers], (drivers) => new Locator(drivers)),
  ],
  exports: [SourceDrivers, Locator],
})
export class SourcesModule {}
