// SPDX-License-Identifier: Apache-2.0
// The life of a process, as all of its parts share it: the heartbeat begins, the parts start one after the other; they
// drain at the same time and close at the same time, so that one that hangs keeps no other from its end; the heartbeat
// signs off. ServiceModule ties it to Nest's hooks.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Conf } from '../conf/index.js';
import { KerbsideException } from '../exception.js';
import { loggerFor } from '../log.js';
import { doneWithin } from '../net/deadline.js';
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
  /** What the part says of itself in the list of services: small, no secrets. */
  report?(): ServiceReport;
  /**
   * This process had been declared down (what it serves is closed in the records) and is back: makes the records true
   * again. Called again when it rejects.
   */
  recovered?(): Promise<void>;
  /** Ends everything at once. */
  close(): Promise<void>;
}

/** What the life of a process needs of its heartbeat. */
export type LifeHeartbeat = Pick<Heartbeat, 'start' | 'setDraining' | 'stop'>;

/** Milliseconds that signing off may take. */
const SIGN_OFF_MS = 1_000;

const log = loggerFor('kerbside.service');

/** The life of this process. */
export class ServiceLife {
  private readonly parts: RunningPart[] = [];
  private readonly reports: (() => ServiceReport)[] = [];
  private readonly hurried = new AbortController();
  private heartbeat: LifeHeartbeat | undefined;
  private closing: Promise<void> | undefined;

  /** @param drainLimit milliseconds after which draining is cut short */
  constructor(private readonly drainLimit: number) {}

  /** Begins: the process is in the list of services before any part of it serves. @throws DatabaseError */
  async begin(heartbeat: LifeHeartbeat): Promise<void> {
    await heartbeat.start();
    this.heartbeat = heartbeat;
  }

  /** Takes up a part that has been started. */
  adopt(part: RunningPart): void {
    this.parts.push(part);
  }

  /** Adds to what this process says of itself. */
  addReport(report: () => ServiceReport): void {
    this.reports.push(report);
  }

  /** What this process says of itself in the list of services. */
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

  /** Nothing new; resolves when the last session has ended, the time is up, or {@link hurry} was called. */
  async drain(): Promise<void> {
    if (this.hurried.signal.aborted) return;
    this.heartbeat?.setDraining();
    for (const part of this.parts) part.setDraining?.();
    const drained = Promise.allSettled(this.parts.map(async (part) => part.drain?.())).then(() => false);
    const late = sleep(this.drainLimit, true, { signal: this.hurried.signal }).catch(() => false);
    if (await Promise.race([drained, late])) log.warning('draining took too long and is cut short');
    this.hurry();
  }

  /** Ends the draining at once, also when it has not begun. */
  hurry(): void {
    this.hurried.abort();
  }

  /** Resolves when there is nothing to drain any more: the parts are being closed. */
  async drained(): Promise<void> {
    const { signal } = this.hurried;
    if (signal.aborted) return;
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  }

  /** Closes all parts, then signs off; faults are logged. The database stays open. */
  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  private async end(): Promise<void> {
    const closing = this.parts.map(async (part) => part.close());
    for (const outcome of await Promise.allSettled(closing)) {
      if (outcome.status === 'rejected') tell('a part did not close cleanly', outcome.reason);
    }
    // Last, when the parts have written all they know: what is left open after it is closed by the other nodes.
    const signedOff = this.heartbeat
      ?.stop()
      .catch((error: unknown) => tell('the node could not sign off', error));
    if (signedOff !== undefined) await doneWithin(signedOff, SIGN_OFF_MS);
  }
}

function tell(sentence: string, error: unknown): void {
  const fault = error instanceof KerbsideException ? error.message : error;
  log.error(sentence, { error: fault instanceof Error ? fault : String(fault) });
}
