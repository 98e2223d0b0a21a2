// SPDX-License-Identifier: Apache-2.0
// The Prometheus metrics of the audit trail. Backlogs are read from the database when they are asked for, so that every
// conductor tells the same, also of a sink that nobody serves. Labels hold names of this code only.
import { Counter, Gauge, Registry } from 'prom-client';
import { doneWithin } from '../net/deadline.js';
import { AuditChain } from '../objects/audit-chain.js';
import { AuditCursors } from '../objects/audit-cursor.js';
import type { SinkState } from '../objects/audit-cursor.js';
import type { Database } from '../objects/database.js';
import type { Exposition } from '../service/metrics.js';

/** Milliseconds that a scrape waits for the database. */
const LOOK_MS = 2_000;

/** The metrics of one conductor. */
export class AuditMetrics implements Exposition {
  readonly registry = new Registry();
  readonly sealed = new Counter({
    name: 'kerbside_audit_sealed_total',
    help: 'Audit events that this process has put into the chain.',
    registers: [this.registry],
  });
  readonly delivered = this.counter('kerbside_audit_delivered_total', 'Audit events that a sink has taken.');
  readonly lost = this.counter(
    'kerbside_audit_lost_total',
    'Audit events that retention removed before a sink had them.',
  );
  readonly failures = this.counter(
    'kerbside_audit_failures_total',
    'Batches of audit events that a sink did not take.',
  );
  private readonly backlog = this.gauge(
    'kerbside_audit_backlog_events',
    'Audit events of the chain that a sink does not have yet.',
  );
  private readonly waiting = this.gauge(
    'kerbside_audit_backlog_seconds',
    'The age of the oldest audit event that a sink does not have yet; 0 when it has all.',
  );
  private readonly unsealed = new Gauge({
    name: 'kerbside_audit_unsealed_events',
    help: 'Audit events that have no place in the chain yet; counted to 100,000.',
    registers: [this.registry],
  });

  /** @param db what the backlogs are read from @param sinks the names of the sinks that are served */
  constructor(
    private readonly db: Database,
    private readonly sinks: readonly string[],
  ) {
    for (const sink of sinks)
      for (const counter of [this.delivered, this.lost, this.failures]) counter.inc({ sink }, 0);
  }

  async text(): Promise<string> {
    // Without the database the backlogs are not known, and not told.
    if (!(await doneWithin(this.look(), LOOK_MS).catch(() => false))) this.forget();
    return this.registry.metrics();
  }

  private async look(): Promise<void> {
    const states = await new AuditCursors(this.db).states();
    this.unsealed.set(await new AuditChain(this.db).unsealed());
    for (const state of states) if (this.sinks.includes(state.sink)) this.show(state);
  }

  private show({ sink, backlog, waitingSince }: SinkState): void {
    this.backlog.set({ sink }, backlog);
    this.waiting.set({ sink }, waitingSince === null ? 0 : Math.max(0, Date.now() / 1000 - waitingSince));
  }

  private forget(): void {
    for (const gauge of [this.backlog, this.waiting, this.unsealed]) gauge.reset();
  }

  private counter(name: string, help: string): Counter<'sink'> {
    return new Counter({ name, help, labelNames: ['sink'], registers: [this.registry] });
  }

  private gauge(name: string, help: string): Gauge<'sink'> {
    return new Gauge({ name, help, labelNames: ['sink'], registers: [this.registry] });
  }
}
