// SPDX-License-Identifier: Apache-2.0
// Keeps the rows of one source equal to what its driver finds. Each source has its own task, so that a platform
// that hangs delays nobody else.
import { createHash } from 'node:crypto';
import type { AccessReview } from '../broker/access-review.js';
import { Unavailable } from '../exception.js';
import type { Logger } from '../log.js';
import { signalWithin, unlessAborted } from '../net/deadline.js';
import type { AuditEvents } from '../objects/audit-event.js';
import type { Consoles } from '../objects/console.js';
import type { SourceDefinition, Sources } from '../objects/source.js';
import type { Discovery, SourceDriver } from '../sources/driver.js';
import { refreshConsoles } from './console-refresh.js';
import { EventTurns } from './event-turns.js';
import { PeriodicTask } from './periodic-task.js';

/** Where the conductor records its work. */
export interface Stores {
  readonly sources: Sources;
  readonly consoles: Consoles;
  readonly audit: AuditEvents;
  /** Ends sessions of those who may not open their console any more; absent: nobody does here. */
  readonly access?: Pick<AccessReview, 'review'>;
  /** Name of this node, for `seen_by` and the audit. */
  readonly node: string;
}

/** When a source is asked, and for how long. */
export interface SourceTiming {
  /** Seconds from one discovery to the next. */
  readonly interval: number;
  /** Seconds that a driver has for one discovery. */
  readonly timeout: number;
}

/** What a {@link SourceTask} is made with. */
export interface SourceTaskOptions {
  readonly definition: SourceDefinition;
  readonly driver: SourceDriver;
  readonly stores: Stores;
  /** What is wrong with a part of the source's entry: the source's error while all else is well; null: nothing. */
  readonly partFault: string | null;
  /** The fault of sources.yaml as a whole, while there is one: it is shown as the source's error. */
  readonly fileFault: () => string | null;
  readonly timing: SourceTiming;
  readonly log: Logger;
}

/** Every so many turns the rows are compared even when the driver reports no change. */
const FULL_EVERY = 10;

/** The background work for one source. */
export class SourceTask {
  private readonly task: PeriodicTask;
  private readonly watch: EventTurns | null;
  private known: Discovery | undefined;
  private turns = 0;
  private defined = false;
  /** Whether what the entry says about access holds: it does not wait for the platform. */
  private restricted = false;
  /** The last console that was refreshed; '' = start with the first. */
  private refreshed = '';

  constructor(private readonly options: SourceTaskOptions) {
    this.task = new PeriodicTask({
      name: `source ${options.definition.name}`,
      interval: options.timing.interval,
      phase: phaseOf(options.definition.name),
      run: (signal) => this.turn(signal),
      log: options.log,
    });
    const watch = options.driver.watch?.bind(options.driver);
    this.watch = watch === undefined ? null : new EventTurns(watch, () => this.task.runNow());
  }

  /** Discovers at once; resolves when that has ended, well or not. */
  runNow(): Promise<void> {
    return this.task.runNow();
  }

  /** Stops; afterwards nothing of this source is written any more. */
  async close(): Promise<void> {
    await Promise.all([this.watch?.close(), this.task.close()]);
  }

  private async turn(signal: AbortSignal): Promise<void> {
    const { definition, stores } = this.options;
    try {
      if (!this.restricted) await stores.consoles.applyAccess(definition.name, definition.settings?.access);
      if (!this.restricted) await stores.access?.review(definition.name);
      this.restricted = true;
      await this.discover(signal);
      if (!signal.aborted) await stores.access?.review(definition.name);
    } catch (error) {
      if (signal.aborted) return;
      await this.showFault((error as Error).message);
      throw error;
    }
  }

  // A platform that has not answered once is shown, too.
  private async showFault(fault: string): Promise<void> {
    const { definition, stores } = this.options;
    if (!this.defined) await stores.sources.upsert(definition);
    this.defined = true;
    await stores.sources.setError(definition.name, fault);
  }

  private async discover(signal: AbortSignal): Promise<void> {
    const { definition, driver, stores, fileFault, partFault } = this.options;
    const discover = driver.discover?.bind(driver);
    if (discover === undefined) await this.refreshAll(driver, signal);
    else await this.discoverAll(discover, signal);
    if (signal.aborted) return;
    const part = partFault ?? this.known?.fault ?? null;
    if (fileFault() === null) await stores.sources.markSeen(definition.name, stores.node, part);
    const fault = fileFault();
    if (fault !== null) await stores.sources.setError(definition.name, fault);
  }

  private async discoverAll(
    discover: NonNullable<SourceDriver['discover']>,
    signal: AbortSignal,
  ): Promise<void> {
    const found = await this.withDeadline(signal, discover);
    if (signal.aborted) return;
    this.turns += 1;
    if (found !== this.known || this.turns % FULL_EVERY === 0) await this.write(found);
    this.known = found;
  }

  // The definition goes first: API and proxy nodes take it from the database, and can ask the platform by it even when
  // it does not answer now.
  private async refreshAll(driver: SourceDriver, signal: AbortSignal): Promise<void> {
    const { definition, stores, log } = this.options;
    if (!this.defined) await stores.sources.upsert(definition);
    this.defined = true;
    if (driver.check !== undefined) await this.withDeadline(signal, driver.check.bind(driver));
    const refresh = driver.refresh?.bind(driver);
    if (refresh === undefined) return;
    const subject = { consoles: stores.consoles, source: definition.name, refresh, log };
    const { next, fault } = await refreshConsoles(subject, this.refreshed, signal);
    this.refreshed = next;
    if (fault !== null) throw fault;
  }

  private async write({ consoles, unread }: Discovery): Promise<void> {
    const { definition, stores, log } = this.options;
    await stores.sources.upsert(definition);
    this.defined = true;
    const { added, changed, removed } = await stores.consoles.reconcile(definition.name, consoles, unread);
    if (added.length + changed.length + removed.length === 0) return;
    log.info('consoles of source reconciled', {
      source: definition.name,
      added: added.length,
      changed: changed.length,
      removed: removed.length,
    });
  }

  // A driver that does not heed its signal is not waited for.
  private async withDeadline<T>(
    signal: AbortSignal,
    work: (deadline: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { timeout } = this.options.timing;
    const deadline = signalWithin(timeout * 1000, signal);
    const outcome = await unlessAborted(
      work(deadline).then((value) => ({ value })),
      deadline,
    );
    if (outcome === null) throw new Unavailable(`no answer within ${String(timeout)} s`);
    return outcome.value;
  }
}

/** The same for a name at all times, and of names like each other as far apart as of others: from 0 to 1. */
function phaseOf(name: string): number {
  return createHash('sha256').update(name).digest().readUInt32BE() / 0xffff_ffff;
}
