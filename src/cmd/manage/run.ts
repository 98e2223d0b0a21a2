// SPDX-License-Identifier: Apache-2.0
// What all commands of kerbside-manage share: the configuration, the database, the report of a fault. Standard
// output carries the result alone, so the log goes to standard error.
import type { Command } from 'commander';
import { loadConf } from '../../conf/index.js';
import type { Conf } from '../../conf/index.js';
import type { Given, Token } from '../../injection.js';
import { configureLogging, loggerFor } from '../../log.js';
import { confArgs } from '../arguments.js';
import type { CommandSetting } from '../context.js';
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
 * Does some work with what an application context gives, which is closed whatever happens. Nest and the database are
 * loaded here, by the commands that need them.
 *
 * @param setting what the context is made of, beside the name of the program
 * @param wanted the tokens of what the work is done with
 * @throws DatabaseError when the database cannot be opened
 */
export async function withContext<const D extends readonly Token<unknown>[]>(
  setting: Omit<CommandSetting, 'name'>,
  wanted: D,
  work: (...given: Given<D>) => Promise<void>,
): Promise<void> {
  const { openContext } = await import('../context.js');
  const context = await openContext({ ...setting, name: NAME });
  try {
    await work(...(wanted.map((token) => context.get(token)) as Given<D>));
  } finally {
    await context.close();
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
    // Nest gives no context whose start failed, so what it had opened cannot be closed.
    process.exit(1);
  }
}
