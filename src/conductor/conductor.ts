// SPDX-License-Identifier: Apache-2.0
// The background work: sources, expired tokens and sessions, the audit trail, services that went silent. Any number of
// conductors share it: each task is done by the one that holds its lease. Nothing here ends the process: failures are logged
// and tried again.
import { randomUUID } from 'node:crypto';
import type { AuditMetrics } from '../audit/metrics.js';
import type { AuditSink } from '../audit/sink.js';
import type { Conf } from '../conf/index.js';
import { loggerFor } from '../log.js';
import { doneWithin } from '../net/deadline.js';
import type { OwnNotifications } from '../notifications/own/own-notifications.js';
import type { ClockReading } from '../objects/clock.js';
import type { Database } from '../objects/database.js';
import { Leases } from '../objects/lease.js';
import { auditTasks } from './audit-tasks.js';
import { Leadership } from './leadership.js';
import { reapingTask, retentionTask, servicesTask, sourcesTask } from './tasks.js';
import type { SourcesWork } from './tasks.js';
import type { TermNounFactory } from './term-nouns.js';

/** What {@link startConductor} needs. */
export interface ConductorServices {
  readonly conf: Conf;
  readonly db: Database;
  /** Makes the nouns that each term of a task writes with. */
  readonly nouns: TermNounFactory;
  readonly own: OwnNotifications;
  /** Where audit events go beside the database, and what is counted of them. */
  readonly audit: { readonly sinks: readonly AuditSink[]; readonly metrics: AuditMetrics };
  /** The name of the program: with the node's it identifies the leases of an earlier run. */
  readonly program: string;
}

/** The running background work. */
export interface Conductor {
  /** The tasks that this process runs now. */
  report(): { readonly tasks: readonly string[] };
  /** SIGHUP: reads sources.yaml and asks every source at once, where this process does so. */
  reload(): void;
  /** Stops every task, waits for those under way and gives the leases up. The database stays open. */
  close(): Promise<void>;
}

/** Seconds that the start waits for the first discoveries, so that a new process knows its consoles. */
const FIRST_DISCOVERY_WAIT = 5;

/** Starts the background work; it fails later, in the log, never here. */
export async function startConductor({
  conf,
  db,
  nouns,
  own,
  audit,
  program,
}: ConductorServices): Promise<Conductor> {
  const log = loggerFor('kerbside.conductor');
  let sources: SourcesWork | undefined;
  const settings = {
    reader: db,
    conf,
    log,
    nouns,
    own,
    self: { host: conf.default.nodeName, binary: program },
    connectedFor: (): number => leadership.connectedFor(),
    observe: (reading: ClockReading): void => leadership.observe(reading),
    now: (): number => leadership.databaseTime(),
    due: (): number => leadership.dueTime(),
  };
  const leadership = new Leadership({
    db,
    leases: new Leases(db, { holder: `${conf.default.nodeName} ${program}`, runId: randomUUID() }),
    leaseTime: conf.conductor.leaseTime,
    tasks: [
      sourcesTask(settings, (work) => {
        sources = work;
      }),
      reapingTask(settings),
      retentionTask(settings),
      servicesTask(settings),
      ...auditTasks({ ...audit, log }),
    ],
    log,
  });
  await leadership.start();
  await doneWithin(Promise.resolve(sources?.settled()), FIRST_DISCOVERY_WAIT * 1000);
  return {
    report: () => ({ tasks: leadership.held() }),
    reload: () => {
      sources?.reload();
      for (const sink of audit.sinks) sink.reopen?.();
    },
    close: async () => {
      await leadership.close();
      await Promise.all(audit.sinks.map((sink) => sink.close()));
    },
  };
}
