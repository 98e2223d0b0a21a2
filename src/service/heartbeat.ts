// SPDX-License-Identifier: Apache-2.0
// The heartbeat of a program: every few seconds it records in the database that it is up. One beat is one small statement;
// while the database is unavailable beats fail, which is logged once; they never pile up or end the process.
import { randomUUID } from 'node:crypto';
import { loggerFor } from '../log.js';
import { doneWithin } from '../net/deadline.js';
import type { Beat, ServiceReport, ServiceRun, Services } from '../objects/service.js';
import { VERSION } from '../version.js';

/** Whether a program can rely on being up in the records. */
export interface Liveness {
  /**
   * Whether no other process can have declared this one down: its last heartbeat is recent, and what was to be
   * recovered after an absence has been. Cheap: it reads the monotonic clock.
   */
  isConfirmed(): boolean;
}

/** What a heartbeat needs to know. */
export interface HeartbeatOptions {
  readonly services: Services;
  /** [DEFAULT] node_name. */
  readonly host: string;
  /** The program, such as `kerbside-proxy`. */
  readonly binary: string;
  /** `[DEFAULT] report_interval`, seconds. */
  readonly interval: number;
  /** `[DEFAULT] service_down_time`, seconds. */
  readonly downTime: number;
  /** What the program reports about itself; small, no secrets. */
  readonly report: () => ServiceReport;
  /** The program had been declared down and is up again; called again at the next beat when it rejects. */
  readonly recovered: () => Promise<void>;
}

const log = loggerFor('kerbside.heartbeat');

/** Of the time after which a silent service is down, the part during which it is certainly not. */
const CONFIRMED_SHARE = 0.8;
/** Seconds to the next try after a beat that failed. */
const RETRY_PAUSE = 1;
/** Beats that wait for a database which does not answer, at most. */
const MOST_WAITING = 3;
/** For how long the last beats are waited for when the process ends. */
const LAST_BEAT_MS = 500;

/** Records that this process is up, until it is stopped. */
export class Heartbeat implements Liveness {
  readonly run: ServiceRun;
  private timer: NodeJS.Timeout | undefined;
  /** Beats that have not been answered. */
  private readonly waiting = new Set<Promise<void>>();
  private lastGood = -Infinity;
  private draining = false;
  private stopped = false;
  private failing = false;
  private displaced = false;
  /** Absences that were found, and how many of them are recovered from. */
  private absences = 0;
  private recoveredFrom = 0;
  private recovering: Promise<void> | undefined;

  constructor(private readonly options: HeartbeatOptions) {
    const { host, binary, interval } = options;
    this.run = {
      ...{ host, binary, runId: randomUUID(), pid: process.pid },
      ...{ version: VERSION, reportInterval: interval },
    };
  }

  /** Registers the process and starts the beats. @throws DatabaseError when the database refuses */
  async start(): Promise<void> {
    const sent = performance.now();
    await this.options.services.register(this.run, this.options.report());
    this.lastGood = sent;
    this.schedule(this.options.interval);
  }

  isConfirmed(): boolean {
    const silent = (performance.now() - this.lastGood) / 1000;
    return silent < this.options.downTime * CONFIRMED_SHARE && this.absences === this.recoveredFrom;
  }

  /** Records that the program accepts nothing new. */
  setDraining(): void {
    this.draining = true;
    this.schedule(0);
  }

  /** Stops the beats and records that the process ends, so that its next beat is not waited for. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.recovering;
    // A beat that arrived after services.stop() would put the row back.
    await doneWithin(Promise.all(this.waiting), LAST_BEAT_MS);
    await this.options.services.stop(this.run);
  }

  private schedule(seconds: number): void {
    clearTimeout(this.timer);
    if (this.stopped) return;
    this.timer = setTimeout(() => this.turn(), seconds * 1000);
  }

  // A statement may hang for as long as the database does: the next beat goes out beside it, a few of them at most.
  private turn(): void {
    this.schedule(this.options.interval);
    if (this.waiting.size >= MOST_WAITING) return;
    const beat = this.beat().finally(() => this.waiting.delete(beat));
    this.waiting.add(beat);
  }

  private async beat(): Promise<void> {
    const { services, report, downTime, interval } = this.options;
    const sent = performance.now();
    try {
      const found = await services.beat(this.run, { draining: this.draining, report: report(), downTime });
      if (this.stopped) return;
      this.answered(found);
      this.lastGood = Math.max(this.lastGood, sent);
    } catch (error) {
      if (!this.failing && !this.stopped)
        log.error('heartbeats do not reach the database; other nodes will take this one for dead', {
          service_down_time: downTime,
          error: error as Error,
        });
      this.failing = true;
      this.schedule(Math.min(RETRY_PAUSE, interval));
      return;
    }
    await this.recover();
  }

  private answered(found: Beat): void {
    if (this.failing) log.info('heartbeats reach the database again');
    this.failing = false;
    if (found.kind === 'displaced') this.reportDisplaced(found.pid);
    else this.displaced = false;
    if (found.kind !== 'returned') return;
    this.absences += 1;
    log.warning('this node had been taken for dead, and is back');
  }

  private reportDisplaced(pid: number): void {
    if (this.displaced) return;
    this.displaced = true;
    const { host, binary } = this.options;
    log.error(
      'another process of the same name is at work: each closes the sessions of the other; give every node a ' +
        '[DEFAULT] node_name of its own',
      { node_name: host, program: binary, other_pid: pid },
    );
  }

  private async recover(): Promise<void> {
    const { absences } = this;
    if (absences === this.recoveredFrom) return;
    this.recovering ??= this.options
      .recovered()
      .then(() => {
        this.recoveredFrom = absences;
      })
      .catch((error: unknown) => {
        log.error('what this node serves could not be put back into the records; trying again', {
          error: error as Error,
        });
        this.schedule(Math.min(RETRY_PAUSE, this.options.interval));
      })
      .finally(() => {
        this.recovering = undefined;
      });
    await this.recovering;
  }
}
