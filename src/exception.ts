// SPDX-License-Identifier: Apache-2.0
// The exceptions of the service. One class per kind of fault; the borders (HTTP, SPICE, exit code) translate
// them: src/api/fault-filter.ts, src/console/connection/close.ts, src/cmd. The message is for operators and logs;
// what a stranger on the wire may read is decided at the border.

/** Base of all faults that the service raises on purpose. `message` is one line and holds no secret. */
export class KerbsideException extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** A fault that stops the start of a program: printed in one line, exit status 1, no stack trace. */
export class StartupError extends KerbsideException {}

/** An option is wrong. The message names group, option, fault and remedy; never a secret's value. */
export class ConfError extends StartupError {
  constructor(
    readonly group: string,
    readonly option: string,
    fault: string,
    remedy: string,
  ) {
    super(`[${group}] ${option}: ${fault}; ${remedy}`);
  }
}

/** Several faults that each stop the start: printed in one line each. */
export class StartupFaults extends StartupError {
  constructor(readonly faults: readonly string[]) {
    super(faults.join('; '));
  }
}

/**
 * Ends in the faults that were found: one as it is, several as {@link StartupFaults}, each once. None: returns.
 *
 * @throws StartupError
 */
export function throwFaults(found: readonly StartupError[]): void {
  const [first] = found;
  if (first === undefined) return;
  const messages = new Set(found.flatMap(faultsOf));
  throw messages.size === 1 ? first : new StartupFaults([...messages]);
}

/** What is wrong, one line for each fault. */
export function faultsOf(error: KerbsideException): readonly string[] {
  return error instanceof StartupFaults ? error.faults : [error.message];
}

/** The database is missing, unreachable, of another schema version, or refused a statement. */
export class DatabaseError extends KerbsideException {}

/** A noun asked for does not exist (or must not be known to exist). */
export class NotFound extends KerbsideException {}

/** Input from outside breaks a rule. The message names the field, the fault and what to do. */
export class InvalidInput extends KerbsideException {}

/** The noun is in a state that does not allow the operation. */
export class Conflict extends KerbsideException {}

/** Something that this operation needs (a source, a driver, a server) is unavailable at the moment. */
export class Unavailable extends KerbsideException {}

/** A platform says no to a user, for a reason that will stay. The message is the platform's own. */
export class PlatformRefused extends KerbsideException {
  constructor(
    readonly why: 'invalid' | 'unauthenticated' | 'forbidden' | 'unsupported',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
