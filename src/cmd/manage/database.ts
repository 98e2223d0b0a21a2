// SPDX-License-Identifier: Apache-2.0
// kerbside-manage db: the schema of the database.
import type { Command } from 'commander';
import { connectionOf } from './original-settings.js';
import { configure, say, withContext } from './run.js';

const PROGRESS_EVERY = 10_000;

async function importDatabase(options: { readonly from: string }, command: Command): Promise<void> {
  const conf = configure(command);
  const url = connectionOf(options.from);
  const { OriginalDatabase } = await import('../../db/original.js');
  const { Consoles } = await import('../../objects/console.js');
  const { importOriginal } = await import('../../objects/original-import.js');
  const { Database } = await import('../../db/database.js');
  await withContext({ conf }, [Database, Consoles], async (database, consoles) => {
    const original = await OriginalDatabase.open(url);
    try {
      say(`reading ${original.place}, writing ${database.place}`);
      let next = PROGRESS_EVERY;
      const outcome = await importOriginal(database, original, consoles, {
        now: Date.now() / 1000,
        progress: (done, total) => {
          if (done < next) return;
          next = done + PROGRESS_EVERY;
          say(`audit events: ${done} of ${total}`);
        },
      });
      for (const line of outcome.refused) say(`not taken over: ${line}`);
      say(
        `taken over: ${outcome.consoles} consoles, ${outcome.tokens} tokens, ${outcome.events} audit events`,
      );
    } finally {
      await original.close();
    }
  });
}

/** Adds `db sync`, `db version` and `db import`. */
export function addDatabaseCommands(manage: Command): void {
  const db = manage.command('db').description('the schema of the database').helpCommand(false);
  db.command('sync')
    .description('bring the schema up to this release; safe to run again, and on several nodes at once')
    .action(async (_options: unknown, command: Command) => {
      const conf = configure(command);
      const { Database } = await import('../../db/database.js');
      await withContext({ conf, sync: true }, [Database], async (database) => {
        const { schema } = await database.version();
        say(`${database.place}: the schema is ${schema ?? 'empty'}`);
      });
    });
  db.command('version')
    .description('print the version of the schema and of the database server')
    .action(async (_options: unknown, command: Command) => {
      const conf = configure(command);
      const { Database } = await import('../../db/database.js');
      await withContext({ conf }, [Database], async (database) => {
        const { schema, latest, server } = await database.version();
        say(`schema ${schema ?? 'empty'}, this release ${latest}, server ${server}`);
      });
    });
  db.command('import')
    .description('take over consoles, tokens and the audit trail of the original Kerbside; safe to run again')
    .requiredOption(
      '--from <file>',
      "a file with the original's SQL_URL: its kerbside.ini, its environment file, or the URL alone; - is standard input",
    )
    .action(importDatabase);
}
