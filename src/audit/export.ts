// SPDX-License-Identifier: Apache-2.0
// Serves one sink: reads the chain after the sink's cursor, hands over a batch, moves the cursor, and so on. One batch is all
// that is in memory; the rest waits in the database, so that a sink that is away, slow or wrong costs nobody anything.
import { loggerFor } from '../log.js';
import { signalWithin } from '../net/deadline.js';
import { AuditChain } from '../objects/audit-chain.js';
import { AuditCursors } from '../objects/audit-cursor.js';
import type { Database } from '../objects/database.js';
import type { AuditMetrics } from './metrics.js';
import type { AuditSink } from './sink.js';

const log = loggerFor('kerbside.audit');

/** Events in one batch: a message has 8 KiB at most, so a batch has less than 4 MiB. */
const BATCH = 200;
/** Milliseconds that a sink may take for a batch. */
const DELIVERY_MS = 30_000;

/** Serves a sink. */
export class AuditExport {
  constructor(
    private readonly sink: AuditSink,
    private readonly metrics: Pick<AuditMetrics, 'delivered' | 'lost' | 'failures'>,
    private readonly deliveryTime = DELIVERY_MS,
  ) {}

  /**
   * Hands over everything that waits; rejects with the first fault, after which the rest waits on.
   *
   * @param db refuses its statements when another process may serve the sink
   * @param signal ends it
   */
  async run(db: Database, signal: AbortSignal): Promise<void> {
    const { name } = this.sink;
    const chain = new AuditChain(db);
    const cursors = new AuditCursors(db);
    let cursor = await cursors.open(name);
    while (!signal.aborted) {
      const events = await chain.after(cursor.position, BATCH);
      if (events.length === 0) return;
      await this.deliver(events, signal);
      const moved = await cursors.delivered(cursor, events);
      cursor = moved.cursor;
      this.metrics.delivered.inc({ sink: name }, events.length);
      if (moved.lost === 0) continue;
      this.metrics.lost.inc({ sink: name }, moved.lost);
      log.error('audit events were removed before a sink had them', { sink: name, events: moved.lost });
    }
  }

  private async deliver(events: Parameters<AuditSink['deliver']>[0], signal: AbortSignal): Promise<void> {
    try {
      await this.sink.deliver(events, signalWithin(this.deliveryTime, signal));
    } catch (error) {
      this.metrics.failures.inc({ sink: this.sink.name });
      throw error;
    }
  }
}
