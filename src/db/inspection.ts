// SPDX-License-Identifier: Apache-2.0
// Looks whether the database can be opened, without opening it for use: for a start that has failed for another reason, so
// that the operator reads of both. Nothing is made or changed.
import { DataSource } from 'typeorm';
import { describeTarget, parseConnectionUrl } from './connection-url.js';
import type { DatabaseTarget } from './connection-url.js';
import { keyFileOf } from './database.js';
import type { DatabaseConf, OpenOptions } from './database.js';
import { databaseError } from './faults.js';
import { readKeyFile } from './key-file.js';
import { checkNotNewer, checkSchema, dataSourceOptions } from './schema.js';
import { checkFile, fileExists } from './sqlite-file.js';

const STATEMENT_TIMEOUT_MS = 5000;

/**
 * Looks whether the database can be opened.
 *
 * @param options.sync whether the program makes a missing file and schema by itself
 * @throws DatabaseError (path or host, fault, remedy; never the password)
 */
export async function checkDatabase(conf: DatabaseConf, options: Pick<OpenOptions, 'sync'>): Promise<void> {
  const target = parseConnectionUrl(conf.connection);
  if (target.dialect === 'sqlite') checkFile(target, options.sync);
  readKeyFile(keyFileOf(conf, target));
  if (target.dialect === 'sqlite' && !fileExists(target)) return;
  await checkContent(target, options.sync);
}

async function checkContent(target: DatabaseTarget, sync: boolean): Promise<void> {
  const source = new DataSource(dataSourceOptions(target, 1, STATEMENT_TIMEOUT_MS));
  try {
    await source.initialize();
    await (sync ? checkNotNewer(source, target) : checkSchema(source, target));
  } catch (error) {
    throw databaseError(describeTarget(target), error);
  } finally {
    if (source.isInitialized) await source.destroy();
  }
}
