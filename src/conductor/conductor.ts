// SPDX-License-Identifier: Apache-2.0
// The background work: sources, expired tokens and sessions, old audit events. One task for each, each with its own
// timer, so that a slow one delays no other. Nothing here ends the process: what fails is logged and tried again.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Conf } from '../conf/index.js';
import { loggerFor } from '../log.js';
import type { Messaging } from '../messaging/messaging.js';
import { AuditEvents } from '../objects/audit-event.js';
import { Consoles } from '../objects/console.js';
import type { Database } from '../objects/database.js';
import { reapAuditEvents, reapExpired } from '../objects/reaper.js';
import { Sources } from '../objects/source.js';
import { PeriodicTask } from './periodic-task.js';
import { SourceReconciliation } from './source-reconciliation.js';

/** What the background work stands on. */
export interface ConductorServices {
  readonly conf: Conf;
  readonly db: Database;
  readonly messaging: Messaging;
}

/** The running background work. */
export interface Conductor {
  /** SIGHUP: reads sources.yaml and asks every source at once. */
  reload(): void;
  /** Stops every task and waits for those under way. The database stays open. */
  close(): Promise<void>;
}

/** Seconds between two looks for expired tokens and ended sessions. */
const REAP_INTERVAL = 5;
/** Seconds between two looks for audit events that are too old. */
const RETENTION_INTERVAL = 3600;
/** Seconds that the start waits for the first discoveries, so that a fresh process knows its consoles. */
const FIRST_DISCOVERY_WAIT = 5;

const epochSeconds = (): number => Date.now() / 1000;

/** Starts the background work; it fails later, in the log, never here. */
export async function startConductor({ conf, db }: ConductorServices): Promise<Conductor> {
  const log = loggerFor('kerbside.conductor');
  const node = conf.default.nodeName;
  const stores = {
    sources: new Sources(db),
    consoles: new Consoles(db, { node, pid: process.pid }),
    audit: new AuditEvents(db),
    node,
  };
  const reconciliation = new SourceReconciliation(conf.sources.path, stores, log, {
    openstack: conf.nova,
  });
  const files = new PeriodicTask({
    name: 'sources file',
    interval: conf.sources.reloadInterval,
    run: () => reconciliation.run(),
    log,
  });
  const reaper = new PeriodicTask({
    name: 'token and session reaping',
    interval: REAP_INTERVAL,
    run: async () => {
      // Says so in the log when the database is away or its file was deleted.
      await db.ping();
      const reaped = await reapExpired(db, { reconnectGrace: conf.console.reconnectGrace }, epochSeconds());
      if (reaped.tokens + reaped.sessions > 0) {
        log.debug('reaped', { tokens: reaped.tokens, sessions: reaped.sessions, purged: reaped.purged });
      }
    },
    log,
  });
  const retention = new PeriodicTask({
    name: 'audit retention',
    interval: RETENTION_INTERVAL,
    run: async () => {
      const removed = await reapAuditEvents(db, retentionOf(conf), epochSeconds());
      if (removed > 0) log.info('old audit events removed', { events: removed });
    },
    log,
  });
  void reaper.runNow();
  void retention.runNow();
  await files.runNow();
  await Promise.race([
    reconciliation.settled(),
    sleep(FIRST_DISCOVERY_WAIT * 1000, undefined, { ref: false }),
  ]);
  return {
    reload: () => {
      reconciliation.force();
      void files.runNow();
    },
    close: async () => {
      await Promise.all([files.close(), reaper.close(), retention.close()]);
      await reconciliation.close();
    },
  };
}

function retentionOf(conf: Conf): { maxAge: number | undefined; maxEvents: number | undefined } {
  return { maxAge: conf.audit.maxAge || undefined, maxEvents: conf.audit.maxEvents || undefined };
}
