// SPDX-License-Identifier: Apache-2.0
// What all commands of kerbside-manage share: the configuration, the database, the way a fault is told. Standard
// output carries the result alone, so the log goes to standard error.
import type { Command } from 'commander';
import { loadConf } from '../../conf/index.js';
import type { Conf } from '../../conf/index.js';
import type { Database } from '../../db/database.js';
import { configureLogging, loggerFor } from '../../log.js';
import { confArgs } from '../arguments.js';
import { reportFault } from '../outcome.js';

const NAME = 'kerbside-manage';
const log = loggerFor(NAME);

/** Loads the configuration for a command and logs what is odd about it. */
export function configure(command: Command): Conf {
  const { conf, warnings } = loadConf(confArgs(command), process.env);
  const { debug, useJson, logFile } = conf.default;
  configureLogging({ debug, useJson, file: logFile, toStderr: true });
  for (const warning of warnings) log.warning(warning);
  return conf;
}

/**
 * Does some work on the database and closes it, whatever happens.
 *
 * @param o sync true: bring the schema up to date first
 * @throws DatabaseError when the database cannot be opened
 */
export async function withDatabase<T>(
  conf: Conf,
  o: { readonly sync: boolean },
  work: (db: Database) => Promise<T>,
): Promise<T> {
  const { openDatabase } = await import('../../db/database.js');
  const db = await openDatabase(conf.database, o);
  try {
    return await work(db);
  } finally {
    await db.close();
  }
}

/** Prints one line of a result. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Runs the command that the command line names; a fault is one line on standard error and exit status 1. */
export async function runManage(command: Command, argv: readonly string[]): Promise<void> {
  try {
    await command.parseAsync(argv);
  } catch (error) {
    reportFault(NAME, error, log);
    process.exitCode = 1;
  }
}
