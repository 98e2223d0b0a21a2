// SPDX-License-Identifier: Apache-2.0
// How a console is named on the command line of the audit trail.
import { InvalidArgumentError } from 'commander';

/** A console, or all of a UUID. */
export interface ConsoleName {
  readonly source: string | undefined;
  readonly uuid: string;
}

/** SOURCE/UUID, or the UUID alone. A uuid holds no slash; a source's name may. */
export function readConsole(text: string): ConsoleName {
  const cut = text.lastIndexOf('/');
  const [source, uuid] = cut < 0 ? [undefined, text] : [text.slice(0, cut), text.slice(cut + 1)];
  if (uuid === '' || source === '') throw new InvalidArgumentError('Give SOURCE/UUID, or the UUID alone.');
  return { source, uuid };
}
