// SPDX-License-Identifier: Apache-2.0
// Sends a file that is made while it is read: never more of it in memory than one piece, few at the same time, and not for
// somebody who does not read.
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Response } from 'express';
import { ServiceUnavailable } from '../faults.js';

/** Files at the same time, on each node. */
const MOST_FILES = 4;
/** Silence of a reader after which it has gone, ms. */
const PATIENCE_MS = 120_000;

/** What is sent. */
export interface SentFile {
  readonly name: string;
  readonly type: string;
  readonly pieces: AsyncIterable<string>;
}

/** The files that are on their way. */
export class FileStreams {
  private sending = 0;

  constructor(private readonly patience: number = PATIENCE_MS) {}

  /**
   * Sends one. A reader whose file ends early sees that: the last chunk does not come.
   * @throws ServiceUnavailable when there are too many; what the first piece throws; what a later one throws, and then the
   * answer is cut off
   */
  async send(response: Response, { name, type, pieces }: SentFile): Promise<void> {
    if (this.sending >= MOST_FILES)
      throw new ServiceUnavailable('too many files are being downloaded; ask again later');
    this.sending += 1;
    try {
      const rest = pieces[Symbol.asyncIterator]();
      // Before the headers go out: what is wrong with the question is an answer of its own.
      const first = await rest.next();
      response.status(200).set({
        'Content-Type': type,
        'Content-Disposition': `attachment; filename="${name}"`,
        'X-Accel-Buffering': 'no',
      });
      response.setTimeout(this.patience, () => response.destroy());
      await pipeline(Readable.from(from(first, rest)), response);
    } catch (error) {
      // Whoever has left need not be told.
      if (!response.destroyed || !response.headersSent) throw error;
    } finally {
      this.sending -= 1;
    }
  }
}

async function* from(
  first: IteratorResult<string, unknown>,
  rest: AsyncIterator<string>,
): AsyncGenerator<string> {
  try {
    for (let next = first; next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}
