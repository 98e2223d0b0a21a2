// SPDX-License-Identifier: Apache-2.0
// What both legs of a connection are for those that carry, hold and end them: a stream of bytes both ways, however it
// travels.
import type { Duplex } from 'node:stream';

/** A stream that can be closed behind its last bytes. */
export interface LegStream extends Duplex {
  /** Closes once what was written has gone out. */
  destroySoon(): void;
}

/** The code of the error that a stream was closed by, such as ETIMEDOUT; '': it was closed by none. */
export function faultOf({ errored }: Pick<LegStream, 'errored'>): string {
  if (errored === null) return '';
  return (errored as NodeJS.ErrnoException).code ?? errored.message;
}
