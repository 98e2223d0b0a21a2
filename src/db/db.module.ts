// SPDX-License-Identifier: Apache-2.0
// Opens the database of a program and gives it to every module. Nest owns the connections: it closes them in the last
// phase of the shutdown, when all parts have ended (ServiceModule), so that what they write at their end can be written.
import { Global, Module, type DynamicModule } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { provider } from '../injection.js';
import { Database, databaseOn, openSource, type DatabaseConf, type OpenOptions } from './database.js';

@Global()
@Module({})
export class DbModule {
  /**
   * The database that [database] names. The start of the program fails with DatabaseError when it cannot be opened: it is
   * not tried again, because a wrong password or an old schema does not change by itself, and the service manager tries again.
   */
  static open(conf: DatabaseConf, options: OpenOptions): DynamicModule {
    const connections = TypeOrmModule.forRootAsync({
      // The factory opens what the connection string names, in the order of its checks.
      useFactory: () => ({ toRetry: () => false }),
      dataSourceFactory: () => openSource(conf, options),
    });
    return {
      module: DbModule,
      imports: [connections],
      providers: [provider(Database, [DataSource], (source) => databaseOn(source, conf, options))],
      exports: [Database],
    };
  }
}
