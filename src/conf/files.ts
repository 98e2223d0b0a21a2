// SPDX-License-Identifier: Apache-2.0
// Which configuration files are read, in which order: --config-file as given, else the default file where there is
// one; then the *.conf files of every --config-dir in the order of their names. The later file wins.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { StartupError, throwFaults } from '../exception.js';
import { parseIni } from './parser.js';
import type { Assignment } from './parser.js';

/** What the command line says about the configuration. */
export interface ConfArgs {
  readonly configFiles: readonly string[];
  readonly configDirs: readonly string[];
}

/** The file that is read when the command line names none. */
export const DEFAULT_CONFIG_FILE = '/etc/kerbside/kerbside.conf';

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or directory',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory, not a file',
  ENOTDIR: 'it is not a directory',
};

function attempt<T>(noun: string, path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown fault';
    throw new StartupError(`${noun} ${path} cannot be read: ${REASONS[code] ?? code}`);
  }
}

function filesOf(directory: string): string[] {
  const names = attempt('configuration directory', directory, () => readdirSync(directory));
  return names
    .filter((name) => name.endsWith('.conf'))
    .sort()
    .map((name) => join(directory, name));
}

/**
 * Reads all configuration files.
 *
 * @param args the files and directories of the command line
 * @param defaultFile read when the command line names no file, and it exists
 * @returns the assignments of each file, the file that wins last
 * @throws StartupError naming every file (and line) that cannot be read
 */
export function readFiles(args: ConfArgs, defaultFile = DEFAULT_CONFIG_FILE): Assignment[][] {
  const named = args.configFiles.length > 0 ? args.configFiles : existsSync(defaultFile) ? [defaultFile] : [];
  const faults: StartupError[] = [];
  const found = [
    ...named,
    ...args.configDirs.flatMap((directory) => orFault(faults, () => filesOf(directory)) ?? []),
  ].flatMap((file) => {
    const assignments = orFault(faults, () =>
      parseIni(
        attempt('configuration file', file, () => readFileSync(file, 'utf8')),
        file,
      ),
    );
    return assignments === undefined ? [] : [assignments];
  });
  throwFaults(faults);
  return found;
}

/** Goes on after a fault, for the others. */
function orFault<T>(faults: StartupError[], read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof StartupError)) throw error;
    faults.push(error);
    return undefined;
  }
}
