// SPDX-License-Identifier: Apache-2.0
// Gives the drivers that can be asked about one console now. What reads sources.yaml and discovers consoles belongs to the
// term of a lease: src/conductor/tasks.ts.
import { randomUUID } from 'node:crypto';
import { Module } from '@nestjs/common';
import { CONF } from '../conf/conf.module.js';
import { provider } from '../injection.js';
import { Consoles } from '../objects/console.js';
import { Database } from '../objects/database.js';
import { Leases } from '../objects/lease.js';
import { MintTurns } from '../objects/mint-turn.js';
import { ObjectsModule } from '../objects/objects.module.js';
import { Sources } from '../objects/source.js';
import { Locator } from './locator.js';
import { MintedTickets } from './minted-tickets.js';
import { SourceDrivers } from './source-drivers.js';

@Module({
  imports: [ObjectsModule],
  providers: [
    provider(
      SourceDrivers,
      [Sources, Consoles, CONF],
      (sources, consoles, conf) => new SourceDrivers(sources, { consoles, conf }),
    ),
    provider(Locator, [SourceDrivers, Database, CONF], (drivers, db, conf) => {
      const who = { holder: `${conf.default.nodeName} tickets`, runId: randomUUID() };
      return new Locator(drivers, new MintedTickets(new MintTurns(new Leases(db, who))));
    }),
  ],
  exports: [SourceDrivers, Locator],
})
export class SourcesModule {}
