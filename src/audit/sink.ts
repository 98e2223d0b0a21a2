// SPDX-License-Identifier: Apache-2.0
// Where audit events go when they leave the house. A sink takes events in the order of the chain and says when it has them;
// how far it has come is in the database, not here.
import type { AuditSinkName } from '../objects/audit-cursor.js';
import type { SealedEvent } from '../objects/audit-digest.js';

/** One place that audit events go to. */
export interface AuditSink {
  readonly name: AuditSinkName;
  /**
   * Hands events over; resolves when the other side has all of them, as far as its protocol tells. After a rejection the
   * same events come again.
   *
   * @param signal ends it at once: it rejects
   */
  deliver(events: readonly SealedEvent[], signal: AbortSignal): Promise<void>;
  /** SIGHUP: opens its file again. */
  reopen?(): void;
  /** Gives up what it holds open. */
  close(): Promise<void>;
}
