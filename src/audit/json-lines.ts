// SPDX-License-Identifier: Apache-2.0
// The sink `jsonl`: a line of JSON for each audit event, in a file.
import type { SealedEvent } from '../objects/audit-digest.js';
import { eventLine } from '../objects/audit-line.js';
import { RotatingFile } from './rotating-file.js';
import type { Rotation } from './rotating-file.js';
import type { AuditSink } from './sink.js';

/** Writes audit events to a file. */
export class JsonLinesSink implements AuditSink {
  readonly name = 'jsonl';
  private readonly file: RotatingFile;

  constructor(path: string, rotation: Rotation) {
    this.file = new RotatingFile(path, rotation, '[audit] jsonl_path');
  }

  /** @throws AuditFileFault */
  async deliver(events: readonly SealedEvent[]): Promise<void> {
    await this.file.append(Buffer.from(events.map((event) => `${eventLine(event)}\n`).join('')));
  }

  reopen(): void {
    this.file.close();
  }

  close(): Promise<void> {
    this.file.close();
    return Promise.resolve();
  }
}
