// SPDX-License-Identifier: Apache-2.0
// kerbside-manage db: the schema of the database.
import type { Command } from 'commander';
import { configure, say, withDatabase } from './run.js';

/** Adds `db sync` and `db version`. */
export function addDatabaseCommands(manage: Command): void {
  const db = manage.command('db').description('the schema of the database').helpCommand(false);
  db.command('sync')
    .description('bring the schema up to this release; safe to run again, and on several nodes at once')
    .action(async (_options: unknown, command: Command) => {
      await withDatabase(configure(command), { sync: true }, async (database) => {
        const { schema } = await database.version();
        say(`${database.place}: the schema is ${schema ?? 'empty'}`);
      });
    });
  db.command('version')
    .description('print the version of the schema and of the database server')
    .action(async (_options: unknown, command: Command) => {
      await withDatabase(configure(command), { sync: false }, async (database) => {
        const { schema, latest, server } = await database.version();
        say(`schema ${schema ?? 'empty'}, this release ${latest}, server ${server}`);
      });
    });
}
