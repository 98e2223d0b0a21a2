// SPDX-License-Identifier: Apache-2.0
// How the programs use Nest: what it may print, and the modules that are under everything.
import type { DynamicModule, LoggerService, NestApplicationOptions } from '@nestjs/common';
import { ConfModule } from '../conf/conf.module.js';
import type { Conf } from '../conf/index.js';
import type { OpenOptions } from '../db/database.js';
import { DbModule } from '../db/db.module.js';
import { loggerFor } from '../log.js';
import { BinaryModule } from '../service/binary.module.js';

const log = loggerFor('kerbside.nest');

/** Logs what Nest reports about a module that could not be shut down; the program reports a failed start itself. */
const NEST_LOG: LoggerService = {
  log: () => undefined,
  warn: () => undefined,
  error: (message: unknown, ...details: unknown[]) => {
    if (details.at(-1) !== 'ExceptionHandler')
      log.error(message instanceof Error ? message.message : String(message));
  },
};

/** The program reports faults itself, in one line. */
export const NEST_OPTIONS = { abortOnError: false, logger: NEST_LOG } satisfies NestApplicationOptions;

/** The name of the program, the configuration and the database, which everything else depends on. */
export function foundation(name: string, conf: Conf, database: OpenOptions): DynamicModule[] {
  return [BinaryModule.of(name), ConfModule.with(conf), DbModule.open(conf.database, database)];
}
