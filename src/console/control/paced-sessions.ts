// SPDX-License-Identifier: Apache-2.0
// How the sessions of this node are paced, as the relay workers last said.
import type { PacedSession, WorkerNote } from '../ipc.js';
import type { ProxyMetrics } from './metrics.js';

type PacingNote = Extract<WorkerNote, { op: 'pacing' }>;

/** Keeps the last word of each worker. */
export class PacedSessions {
  private readonly byWorker = new Map<number, readonly PacedSession[]>();

  constructor(private readonly metrics: ProxyMetrics) {}

  /** Takes a worker's note. */
  note(workerId: number, { sessions, supersededDraws, keyToDraws }: PacingNote): void {
    if (sessions.length === 0) this.byWorker.delete(workerId);
    else this.byWorker.set(workerId, sessions);
    if (supersededDraws > 0) this.metrics.supersededDraws.inc(supersededDraws);
    for (const milliseconds of keyToDraws) this.metrics.keyToDrawSeconds.observe(milliseconds / 1000);
  }

  /** A worker is gone. */
  forget(workerId: number): void {
    this.byWorker.delete(workerId);
  }

  /** Brings the gauges up to date. */
  refresh(): void {
    const all = [...this.byWorker.values()].flat();
    this.metrics.pacedSessions.set(new Set(all.map(({ sessionId }) => sessionId)).size);
    this.metrics.pacingQueueBytes.set(all.reduce((sum, { queueBytes }) => sum + queueBytes, 0));
  }
}
