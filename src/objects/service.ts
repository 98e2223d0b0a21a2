// SPDX-License-Identifier: Apache-2.0
// A service: one program on one node, by its heartbeats. Which are up, which have gone silent, and what a silent proxy
// leaves open in the records. Times are compared by the database's clock alone.
import {
  beatService,
  deleteDownServices,
  findService,
  hostsToClose,
  insertService,
  listForgottenServices,
  listOverdueServices,
  listServices,
  markServiceDown,
  stopService,
  takeService,
} from '../db/api/services.js';
import type { ServiceBeat, ServiceView } from '../db/api/services.js';
import type { Database } from '../db/database.js';
import { DuplicateRow } from '../db/faults.js';
import { InvalidInput } from '../exception.js';
import type { ClockReading } from './clock.js';
import { pageOf } from './page.js';
import type { Page, PageRequest } from './page.js';

/** A program on its node. */
export interface ServiceName {
  /** [DEFAULT] node_name. */
  readonly host: string;
  /** The program, such as `kerbside-proxy`. */
  readonly binary: string;
}

/** One run of a program. */
export interface ServiceRun extends ServiceName {
  /** UUID of this run. */
  readonly runId: string;
  readonly pid: number;
  readonly version: string;
  /** Seconds from one heartbeat to the next. */
  readonly reportInterval: number;
}

/** What a program says of itself: small, and without secrets. */
export type ServiceReport = Readonly<Record<string, unknown>>;

/**
 * What a heartbeat found. `well`: the row is this run's and up. `returned`: it had been declared down, or was gone, and
 * is up again. `displaced`: another run of the same program writes under the same node name.
 */
export type Beat =
  | { readonly kind: 'well' }
  | { readonly kind: 'returned' }
  | { readonly kind: 'displaced'; readonly pid: number };

/** Whether a service runs: `draining` takes nothing new, `stopped` ended by itself, `lost` went silent. */
export type ServiceStatus = 'running' | 'draining' | 'stopped' | 'lost';

/** A service as it is shown. Times in epoch seconds of the database's clock. */
export interface Service {
  readonly id: number;
  readonly host: string;
  readonly binary: string;
  readonly pid: number;
  readonly version: string;
  readonly state: 'up' | 'down';
  readonly status: ServiceStatus;
  readonly started: number;
  readonly heartbeat: number;
  /** Seconds since the last heartbeat. */
  readonly age: number;
  readonly downSince: number | null;
  readonly report: ServiceReport;
}

/** When silence means that a service is down. */
export interface DownRule {
  /** `[DEFAULT] service_down_time`, seconds. */
  readonly downTime: number;
  /** Seconds that are taken off, because the check happens at intervals. */
  readonly slack: number;
  /** Who looks: a process that runs is not down, whatever its heartbeat says. Absent: none of the services. */
  readonly self?: ServiceName;
  /**
   * Asked with what the database said of its clock, before anybody is marked by that: false, nobody is, because the clock
   * cannot be relied on. Absent: it can.
   */
  readonly isSteady?: (reading: ClockReading) => boolean;
}

/** What a listing of services is narrowed to. */
export interface ServiceFilter {
  readonly host?: string | undefined;
  readonly binary?: string | undefined;
}

const MARK = { running: 0, draining: 1, stopped: 2 } as const;
const LONGEST_REPORT = 8192;
const WIDTH = { host: 255, binary: 64, version: 64 } as const;

/** The services of this site. */
export class Services {
  private readonly db: Database;

  constructor(db: Database) {
    this.db = db;
  }

  /** A run begins: the row of its program on its node is its own from now on. */
  async register(run: ServiceRun, report: ServiceReport): Promise<void> {
    const beat = toBeat(run, 'running', report);
    if (await takeService(this.db, beat, { force: true, downTime: 0 })) return;
    try {
      await insertService(this.db, beat);
    } catch (error) {
      // Another run of the same program was faster: the later one has the row.
      if (!(error instanceof DuplicateRow)) throw error;
      await takeService(this.db, beat, { force: true, downTime: 0 });
    }
  }

  /** A heartbeat: one statement while all is well. */
  async beat(
    run: ServiceRun,
    o: {
      readonly draining: boolean;
      readonly report: ServiceReport;
      readonly downTime: number;
    },
  ): Promise<Beat> {
    const beat = toBeat(run, o.draining ? 'draining' : 'running', o.report);
    if (await beatService(this.db, beat)) return { kind: 'well' };
    if (await takeService(this.db, beat, { force: false, downTime: o.downTime })) return { kind: 'returned' };
    const other = await findService(this.db, run.host, run.binary);
    if (other !== null) return { kind: 'displaced', pid: other.pid };
    await insertService(this.db, beat);
    return { kind: 'returned' };
  }

  /** A run ends by itself: it is down at once. */
  async stop(run: ServiceRun): Promise<void> {
    await stopService(this.db, toBeat(run, 'stopped', {}));
  }

  /** Marks the services that have gone silent as down; gives those that this call marked. */
  async findDown(rule: DownRule): Promise<Service[]> {
    const { self, isSteady = (): boolean => true } = rule;
    const sent = performance.now();
    const { now, services } = await listOverdueServices(this.db, rule);
    if (!isSteady({ sent, received: performance.now(), databaseTime: now })) return [];
    const found: Service[] = [];
    for (const row of services) {
      if (row.host === self?.host && row.binary_name === self.binary) continue;
      // By what was read: the clock may jump between the two statements, too.
      if (await markServiceDown(this.db, row))
        found.push(toService({ ...row, down_since: row.now }, rule.downTime));
    }
    return found;
  }

  /** Nodes whose proxies are all down, and whose connections are open in the records. */
  nodesToClose(): Promise<string[]> {
    return hostsToClose(this.db);
  }

  /** In the order in which they first appeared. @throws InvalidInput for a marker that is none */
  async list(page: PageRequest, o: ServiceFilter & { readonly downTime: number }): Promise<Page<Service>> {
    const rows = await listServices(this.db, o, markerOf(page.marker), page.limit + 1);
    return pageOf(
      rows,
      page.limit,
      (row) => toService(row, o.downTime),
      ({ id }) => String(id),
    );
  }

  /** Removes a service that is down and has nothing open in the records; false when there is no such one. */
  async remove(id: number): Promise<boolean> {
    const forgotten = await listForgottenServices(this.db, 0);
    return forgotten.includes(id) && (await deleteDownServices(this.db, [id])) > 0;
  }

  /** Removes services that have been down for `age` seconds and have nothing open in the records; gives how many. */
  async removeForgotten(age: number): Promise<number> {
    return deleteDownServices(this.db, await listForgottenServices(this.db, age));
  }
}

function toBeat(run: ServiceRun, mark: keyof typeof MARK, report: ServiceReport): ServiceBeat {
  const text = JSON.stringify(report);
  return {
    host: run.host.slice(0, WIDTH.host),
    binary_name: run.binary.slice(0, WIDTH.binary),
    run_id: run.runId,
    pid: run.pid,
    version: run.version.slice(0, WIDTH.version),
    report_interval: run.reportInterval,
    draining: MARK[mark],
    report: text.length > LONGEST_REPORT ? null : text,
  };
}

function toService(row: ServiceView, downTime: number): Service {
  const age = row.now - row.heartbeat;
  const silent = age > Math.max(downTime, 3 * row.report_interval);
  const up = row.down_since === null && !silent;
  return {
    id: row.id,
    host: row.host,
    binary: row.binary_name,
    pid: row.pid,
    version: row.version,
    state: up ? 'up' : 'down',
    status: statusOf(row.draining, up),
    started: row.started,
    heartbeat: row.heartbeat,
    age,
    downSince: row.down_since,
    report: reportOf(row.report),
  };
}

function statusOf(mark: number, up: boolean): ServiceStatus {
  if (up) return mark === MARK.draining ? 'draining' : 'running';
  return mark === MARK.stopped ? 'stopped' : 'lost';
}

function reportOf(text: string | null): ServiceReport {
  if (text === null) return {};
  const report = JSON.parse(text) as unknown;
  return typeof report === 'object' && report !== null ? (report as ServiceReport) : {};
}

function markerOf(marker: string | undefined): number {
  if (marker === undefined) return 0;
  const found = Number(marker);
  if (/^\d+$/.test(marker) && Number.isSafeInteger(found)) return found;
  throw new InvalidInput('marker: not one of this listing; use the one that the last page gave');
}
