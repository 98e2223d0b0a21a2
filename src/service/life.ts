// SPDX-License-Identifier: Apache-2.0
// The life of a process, shared by all of its parts: the heartbeat starts, then the parts one after the other; they drain at
// the same time and close at the same time, so that one that hangs does not hold up the others; the heartbeat is stopped last.
// ServiceModule ties it to Nest's hooks.
import type { Conf } from '../conf/index.js';
import { KerbsideException } from '../exception.js';
import { loggerFor } from '../log.js';
import { doneWithin, unlessAborted } from '../net/deadline.js';
import type { ServiceReport } from '../objects/service.js';
import type { Heartbeat } from './heartbeat.js';

/** A running part of a program: the REST service, the proxy, the background work and so on. */
export interface RunningPart {
  /** Tells load balancers to go elsewhere. */
  setDraining?(): void;
  /** Accepts nothing new; resolves when the last session has ended, or its time is up. */
  drain?(): Promise<void>;
  /** Reads again what may change without a restart. @param conf the configuration as it is now */
  reload?(conf: Conf): void;
  /** The part's entry in the list of services: small, no secrets. */
  report?(): ServiceReport;
  /**
   * This process had been declared down (what it serves is closed in the records) and is back: brings the records up to
   * date. Called again when it rejects.
   */
  recovered?(): Promise<void>;
  /** Ends everything at once. */
  close(): Promise<void>;
}

/** What the life of a process needs of its heartbeat. */
export type LifeHeartbeat = Pick<Heartbeat, 'start' | 'setDraining' | 'stop'>;

/** For how long the stop of the heartbeat may take. */
const SIGN_OFF_MS = 1_000;

const log = loggerFor('kerbside.service');

/** The life of this process. */
export class ServiceLife {
  private readonly parts: RunningPart[] = [];
  private readonly reports: (() => ServiceReport)[] = [];
  private readonly drainEnd = new AbortController();
  private heartbeat: LifeHeartbeat | undefined;
  private closing: Promise<void> | undefined;

  /** @param drainLimit milliseconds after which draining is cut short */
  constructor(private readonly drainLimit: number) {}

  /** Starts: the process is in the list of services before any part of it serves. @throws DatabaseError */
  async begin(heartbeat: LifeHeartbeat): Promise<void> {
    await heartbeat.start();
    this.heartbeat = heartbeat;
  }

  /** Adds a part that has been started. */
  adopt(part: RunningPart): void {
    this.parts.push(part);
  }

  /** Adds to this process's entry in the list of services. */
  addReport(report: () => ServiceReport): void {
    this.reports.push(report);
  }

  /** This process's entry in the list of services. */
  report(): ServiceReport {
    const parts = this.parts.map((part) => part.report?.() ?? {});
    return Object.assign({}, ...this.reports.map((report) => report()), ...parts) as ServiceReport;
  }

  /** SIGHUP. @param conf the configuration as it is now */
  reload(conf: Conf): void {
    for (const part of this.parts) part.reload?.(conf);
  }

  /** This process was taken for dead and is back. @throws DatabaseError when the database is away again: call it again */
  async recovered(): Promise<void> {
    await Promise.all(this.parts.map(async (part) => part.recovered?.()));
  }

  /** Accepts nothing new; resolves when the last session has ended, the time is up, or {@link cutDrain} was called. */
  async drain(): Promise<void> {
    if (this.drainEnd.signal.aborted) return;
    this.heartbeat?.setDraining();
    for (const part of this.parts) part.setDraining?.();
    const drained = Promise.allSettled(this.parts.map(async (part) => part.drain?.()));
    if (!(await doneWithin(unlessAborted(drained, this.drainEnd.signal), this.drainLimit)))
      log.warning('draining took too long and is cut short');
    this.cutDrain();
  }

  /** Ends the draining at once, also when it has not begun. */
  cutDrain(): void {
    this.drainEnd.abort();
  }

  /** Resolves when there is nothing to drain any more: the parts are being closed. */
  async drained(): Promise<void> {
    const { signal } = this.drainEnd;
    if (signal.aborted) return;
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  }

  /** Closes all parts, then stops the heartbeat; faults are logged. The database stays open. */
  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  private async end(): Promise<void> {
    const closing = this.parts.map(async (part) => part.close());
    for (const outcome of await Promise.allSettled(closing)) {
      if (outcome.status === 'rejected') logFault('a part did not close cleanly', outcome.reason);
    }
    // Last, after the parts have written everything: what is still open then is closed by the other nodes.
    const signedOff = this.heartbeat
      ?.stop()
      .catch((error: unknown) => logFault('the node could not sign off', error));
    if (signedOff !== undefined) await doneWithin(signedOff, SIGN_OFF_MS);
  }
}

function logFault(sentence: string, error: unknown): void {
  const fault = error instanceof KerbsideException ? error.message : error;
  log.error(sentence, { error: fault instanceof Error ? fault : String(fault) });
}
