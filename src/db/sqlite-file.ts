// SPDX-License-Identifier: Apache-2.0
// The file of an SQLite database: whether it can be used, and a fresh one that nobody but its owner can read. The driver
// would make missing folders, and a file that everyone may read.
import { accessSync, closeSync, constants, existsSync, openSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DatabaseError } from '../exception.js';
import { describeTarget } from './connection-url.js';
import type { SqliteTarget } from './connection-url.js';

/** Whether the file is there. */
export function fileExists(target: SqliteTarget): boolean {
  return existsSync(target.path);
}

/**
 * Looks whether the file can be used, or made; makes nothing.
 *
 * @param create whether a missing file may be made
 * @throws DatabaseError naming file or folder, fault and remedy
 */
export function checkFile(target: SqliteTarget, create: boolean): void {
  const folder = dirname(target.path);
  if (!existsSync(folder)) {
    throw new DatabaseError(
      `${describeTarget(target)}: the folder ${resolve(folder)} does not exist; create it for the user that Kerbside runs as, ` +
        'or name another one in [DEFAULT] state_path or [database] connection',
    );
  }
  if (fileExists(target)) {
    orFault(target, () => accessSync(target.path, constants.R_OK | constants.W_OK));
    return;
  }
  if (!create)
    throw new DatabaseError(`${describeTarget(target)} does not exist; run "kerbside-manage db sync"`);
  orFault(target, () => accessSync(folder, constants.W_OK | constants.X_OK));
}

/** The same, and makes the file when it is missing and may be made. @throws DatabaseError */
export function prepareFile(target: SqliteTarget, create: boolean): void {
  checkFile(target, create);
  if (!fileExists(target)) orFault(target, () => closeSync(openSync(target.path, 'a', 0o600)));
}

function orFault(target: SqliteTarget, attempt: () => void): void {
  try {
    attempt();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown fault';
    throw new DatabaseError(
      `${describeTarget(target)} cannot be opened (${code}); make it writable for this user, or change [database] connection`,
    );
  }
}
