// SPDX-License-Identifier: Apache-2.0
// The background tasks of the audit trail, each under a lease of its own: events get their places in the chain, and each sink
// is served. A sink that hangs delays no other, and nothing but itself.
import { AuditExport } from '../audit/export.js';
import type { AuditMetrics } from '../audit/metrics.js';
import type { AuditSink } from '../audit/sink.js';
import type { Logger } from '../log.js';
import { AuditChain } from '../objects/audit-chain.js';
import { PeriodicTask } from './periodic-task.js';
import type { LedTask, Work } from './term.js';

/** Seconds between two looks at events that have no place yet, and at those that a sink does not have. */
const INTERVAL = 1;

/** What the tasks of the audit trail need. */
export interface AuditTaskSettings {
  readonly sinks: readonly AuditSink[];
  readonly metrics: AuditMetrics;
  readonly log: Logger;
}

/** One task for the chain, and one for each sink. */
export function auditTasks({ sinks, metrics, log }: AuditTaskSettings): LedTask[] {
  return [chainTask(metrics, log), ...sinks.map((sink) => sinkTask(sink, metrics, log))];
}

function chainTask(metrics: AuditMetrics, log: Logger): LedTask {
  return {
    name: 'audit chain',
    begin: (db) => {
      const chain = new AuditChain(db);
      return periodic('chain of audit events', log, async (signal) => {
        metrics.sealed.inc(await chain.seal(() => !signal.aborted));
      });
    },
  };
}

function sinkTask(sink: AuditSink, metrics: AuditMetrics, log: Logger): LedTask {
  const { name } = sink;
  const served = new AuditExport(sink, metrics);
  return {
    name: `audit ${name}`,
    begin: (db) => periodic(`audit sink ${name}`, log, (signal) => served.run(db, signal)),
  };
}

function periodic(name: string, log: Logger, run: (signal: AbortSignal) => Promise<void>): Work {
  const task = new PeriodicTask({ name, interval: INTERVAL, run, log });
  void task.runNow();
  return { stop: () => task.close() };
}
