// SPDX-License-Identifier: Apache-2.0
// Files and folders that options name: how it is told that one cannot be used. A relative path starts at the working
// directory, which the units of systemd set to /etc/kerbside; so messages have the whole path and what it was made of.
import { isAbsolute, resolve } from 'node:path';
import { ConfError } from './exception.js';

/** What is wrong with a file, and what to do about it: two halves of one line. */
export interface FileFault {
  readonly fault: string;
  readonly remedy: string;
}

const FAULTS: Readonly<Record<string, readonly [string, string]>> = {
  ENOENT: ['does not exist', 'create it or name another one'],
  ENOTDIR: ['does not exist, because a part of its path is a file', 'name another one'],
  EACCES: [
    'is not readable for this user',
    'let the user that Kerbside runs as read it and enter the folders above it',
  ],
  EPERM: ['is not readable for this user', 'let the user that Kerbside runs as read it'],
  EISDIR: ['cannot be read, because it is a folder', 'name a file'],
};

/** A path for a message: the whole one, and what the configuration has where that is relative. */
export function shownPath(path: string): string {
  if (isAbsolute(path)) return path;
  return `${resolve(path)} (written as ${path}; a relative path starts at the working directory)`;
}

/** Why a file cannot be read. @param error what the attempt threw */
export function unreadable(path: string, error: unknown, noun = 'file'): FileFault {
  const { code = '', message } = error as NodeJS.ErrnoException;
  const [fault, remedy] = FAULTS[code] ?? [
    `cannot be read (${code === '' ? message : code})`,
    'see to it or name another one',
  ];
  return { fault: `the ${noun} ${shownPath(path)} ${fault}`, remedy };
}

/** The same as the fault of an option. */
export function unreadableOption(group: string, option: string, path: string, error: unknown): ConfError {
  const { fault, remedy } = unreadable(path, error);
  return new ConfError(group, option, fault, remedy);
}
