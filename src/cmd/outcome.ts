// SPDX-License-Identifier: Apache-2.0
// How a program reports why it cannot go on: a line for each fault on standard error, and exit status 1. Faults of the
// site (a bad option, a taken port, an absent database) have no stack trace; an unexpected one is ours, and is logged.
import { types } from 'node:util';
import { faultsOf, KerbsideException } from '../exception.js';
import type { Logger } from '../log.js';

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is taken by another process',
  EADDRNOTAVAIL: 'this machine does not have the address',
  EACCES: 'permission denied',
  ENOENT: 'there is no such file or directory',
  ENOSPC: 'the disk is full',
  EMFILE: 'too many open files',
  EROFS: 'the file system is read-only',
};

interface SystemError extends Error {
  readonly code: string;
  readonly path?: string;
  readonly address?: string;
  readonly port?: number;
}

function isSystemError(error: unknown): error is SystemError {
  return (
    types.isNativeError(error) && 'syscall' in error && 'code' in error && typeof error.code === 'string'
  );
}

function describeSystemError(error: SystemError): string {
  const host = error.address?.includes(':') === true ? `[${error.address}]` : (error.address ?? '');
  const place = error.port === undefined ? error.path : `${host}:${error.port}`;
  const reason = REASONS[error.code] ?? error.message;
  return place === undefined ? reason : `${place}: ${reason}`;
}

/**
 * The line for a fault that the operator can fix.
 *
 * @returns undefined when the fault is a bug of ours
 */
export function describeFault(error: unknown): string | undefined {
  if (error instanceof KerbsideException) return error.message;
  return isSystemError(error) ? describeSystemError(error) : undefined;
}

/** Prints why a program cannot go on, one line for each fault; the caller exits with status 1. */
export function reportFault(program: string, error: unknown, log: Logger): void {
  for (const text of linesOf(error, log))
    process.stderr.write(`${program}: ${text.replaceAll(/\s*\n\s*/g, ' ')}\n`);
}

function linesOf(error: unknown, log: Logger): readonly string[] {
  if (error instanceof KerbsideException) return faultsOf(error);
  const fault = describeFault(error);
  if (fault !== undefined) return [fault];
  log.error('unexpected failure', { error: error instanceof Error ? error : new Error(String(error)) });
  return [`unexpected failure: ${error instanceof Error ? error.message : String(error)}`];
}
