// SPDX-License-Identifier: Apache-2.0
// The background tasks, each under a lease of its own and with timers of its own, so that a slow one delays no other.
import type { Conf } from '../conf/index.js';
import type { Logger } from '../log.js';
import type { OwnNotifications } from '../notifications/own/own-notifications.js';
import { SessionEnds } from '../notifications/own/session-ends.js';
import type { ClockReading } from '../objects/clock.js';
import type { Database } from '../objects/database.js';
import { eventsRemoved } from '../objects/audit-message.js';
import { reapAuditEvents } from '../objects/audit-retention.js';
import { reapAccessLists, reapExpired } from '../objects/reaper.js';
import type { ServiceName } from '../objects/service.js';
import { PeriodicTask } from './periodic-task.js';
import { WATCH_INTERVAL, watchServices } from './services-watch.js';
import { SourceReconciliation } from './source-reconciliation.js';
import type { LedTask, Work } from './term.js';
import type { TermNounFactory } from './term-nouns.js';

/** Seconds between two checks for expired tokens and ended sessions. */
const REAP_INTERVAL = 5;
/** Seconds between two checks for audit events that are too old. */
const RETENTION_INTERVAL = 3600;
/** Seconds between two checks for services that are long gone, and how long they are kept. */
const FORGET_INTERVAL = 600;
const REMEMBERED = 86_400;

/** What the tasks need, except the database that they write to. */
export interface TaskSettings {
  /** For reads: it answers after the end of a lease, too. */
  readonly reader: Database;
  readonly conf: Conf;
  readonly log: Logger;
  readonly nouns: TermNounFactory;
  readonly own: OwnNotifications;
  /** For how many seconds the database has answered this process without a break. */
  readonly connectedFor: () => number;
  /** Takes note of what the database said of its clock. */
  readonly observe: (reading: ClockReading) => void;
  /** This program, which is never taken for dead by itself. */
  readonly self: ServiceName;
  /** The database's time, epoch seconds. */
  readonly now: () => number;
  /** The same for what is over when its time is: a clock that was set forward lately ends nothing before its time. */
  readonly due: () => number;
}

/** The work of `sources`. */
export interface SourcesWork extends Work {
  /** Reads sources.yaml and asks every source at once. */
  reload(): void;
  /** Resolves when the first discoveries are done, well or not. */
  settled(): Promise<void>;
}

/** sources.yaml and what it names, in the database. @param begun called with the work of each term */
export function sourcesTask(
  { conf, log, nouns, now }: TaskSettings,
  begun: (work: SourcesWork) => void,
): LedTask {
  return {
    name: 'sources',
    begin: (db) => {
      const { sources, consoles, audit, access } = nouns(db, now);
      const stores = { sources, consoles, audit, access, node: conf.default.nodeName };
      const { path, reloadInterval, discoveryInterval, discoveryTimeout } = conf.sources;
      const timing = { interval: discoveryInterval, timeout: discoveryTimeout };
      const reconciliation = new SourceReconciliation(path, stores, log, conf, timing);
      const files = new PeriodicTask({
        ...{ name: 'sources file', interval: reloadInterval, log },
        run: () => reconciliation.run(),
      });
      const first = files.runNow().then(() => reconciliation.settled());
      const work: SourcesWork = {
        settled: () => first,
        reload: () => {
          reconciliation.force();
          void files.runNow();
        },
        stop: async () => {
          await Promise.all([files.close(), reconciliation.close()]);
          // A run that was under way may have begun one more.
          await reconciliation.close();
        },
      };
      begun(work);
      return work;
    },
  };
}

/** Expired tokens and ended sessions. */
export function reapingTask({ conf, log, self, now, due }: TaskSettings): LedTask {
  const { reconnectGrace } = conf.console;
  const options = { reconnectGrace, node: self.host, service: self.binary };
  const run = async (db: Database): Promise<void> => {
    // Fails, and so is logged, when the database is away or its file was deleted.
    await db.ping();
    const { tokens, sessions, purged } = await reapExpired(db, options, now(), due());
    if (tokens + sessions > 0) log.debug('reaped', { tokens, sessions, purged });
  };
  return {
    name: 'reaping',
    begin: (db) => repeated('token and session reaping', REAP_INTERVAL, log, () => run(db)),
  };
}

/** Audit events that are too old or too many, and lists of access that hold for nothing any more. */
export function retentionTask({ conf, log, nouns, now, due, self }: TaskSettings): LedTask {
  const limits = { maxAge: conf.audit.maxAge || undefined, maxEvents: conf.audit.maxEvents || undefined };
  let unused: ReadonlySet<string> = new Set();
  const run = async (db: Database): Promise<void> => {
    const removed = await reapAuditEvents(db, limits, due());
    if (removed > 0) {
      log.info('old audit events removed', { events: removed });
      await nouns(db, now).audit.record({
        ...{ source: '', uuid: '', node: self.host, pid: process.pid, message: eventsRemoved(removed) },
        by: { kind: 'service' },
      });
    }
    const lists = await reapAccessLists(db, unused);
    ({ unused } = lists);
    if (lists.removed > 0) log.debug('unused lists of access removed', { lists: lists.removed });
  };
  return {
    name: 'retention',
    begin: (db) => repeated('audit retention', RETENTION_INTERVAL, log, () => run(db)),
  };
}

/** Services that are down, and what they left open. */
export function servicesTask(settings: TaskSettings): LedTask {
  const { reader, conf, log, nouns, own, connectedFor, observe, self, now } = settings;
  return {
    name: 'services',
    begin: (db) => {
      const { services, channels } = nouns(db, now);
      // No other process knows of the ends that this one has found: it publishes them even after its lease.
      const ends = new SessionEnds(reader, own, 'conductor');
      const watch = {
        ...{ services, channels, self, connectedFor, observe, log },
        mainLost: (sessionId: string, generation: number) => ends.add(sessionId, generation),
        downTime: conf.default.serviceDownTime,
      };
      const forget = async (): Promise<void> => {
        const removed = await services.removeForgotten(REMEMBERED);
        if (removed > 0) log.info('services that are long gone were removed', { services: removed });
      };
      const parts = [
        repeated('watch over services', WATCH_INTERVAL, log, () => watchServices(watch)),
        repeated('services long gone', FORGET_INTERVAL, log, forget),
      ];
      const stop = async (): Promise<void> => {
        await Promise.all(parts.map((part) => part.stop()));
        await ends.close();
      };
      return { stop };
    },
  };
}

function repeated(name: string, interval: number, log: Logger, run: () => Promise<void>): Work {
  const task = new PeriodicTask({ name, interval, run, log });
  void task.runNow();
  return { stop: () => task.close() };
}
