// SPDX-License-Identifier: Apache-2.0
// Carries sources.yaml into the database: new and changed entries get a task of their own, entries with faults keep
// their rows and show the fault as the source's error, the consoles of entries that have left the file are
// removed. A file that cannot be used at all changes nothing but the error of every source.
import { createHash } from 'node:crypto';
import { Unavailable } from '../exception.js';
import type { Logger } from '../log.js';
import { AUDIT } from '../objects/audit-message.js';
import { shownPath } from '../option-file.js';
import { FilePoll } from '../sources/file/file-poll.js';
import type { SourceDriver } from '../sources/driver.js';
import type { DriverServices } from '../sources/platform.js';
import { platformOf } from '../sources/registry.js';
import {
  decodeSources,
  faultText,
  parseSources,
  type SourceEntry,
  type SourcesFile,
} from '../sources/file/sources-file.js';
import { FirstTurns } from './first-turns.js';
import { SourceTask, type SourceTiming, type Stores } from './source-task.js';

type Outcome =
  { readonly kind: 'good'; readonly file: SourcesFile } | { readonly kind: 'faulty'; readonly fault: string };

interface ActiveSource {
  readonly fingerprint: string;
  readonly task: SourceTask;
}

const PAGE_SIZE = 500;

/** Owner of sources.yaml and of the tasks of its sources. */
export class SourceReconciliation {
  private readonly poll: FilePoll;
  private readonly turns = new FirstTurns();
  private readonly active = new Map<string, ActiveSource>();
  private outcome: Outcome | undefined;
  private applied = true;
  private forced = false;
  private reported = new Set<string>();
  private started: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly path: string,
    private readonly stores: Stores,
    private readonly log: Logger,
    private readonly conf: DriverServices['conf'],
    private readonly timing: SourceTiming,
  ) {
    this.poll = new FilePoll(path);
  }

  /** The next run reads the file even when it has not changed. */
  force(): void {
    this.forced = true;
  }

  /** Resolves when the discoveries that the last run has begun are done. */
  async settled(): Promise<void> {
    await this.started;
  }

  /** Reads the file and, when it has changed, applies it to the database. Rejects when the database refuses. */
  async run(): Promise<void> {
    const outcome = await this.read();
    if (outcome !== null) {
      this.report(outcome);
      this.outcome = outcome;
      this.applied = false;
    }
    if (this.applied || this.outcome === undefined) return;
    await (this.outcome.kind === 'good' ? this.apply(this.outcome.file) : this.showFileFault());
    this.applied = true;
  }

  /** Stops the tasks of all sources. */
  async close(): Promise<void> {
    await Promise.all([...this.active.values()].map(({ task }) => task.close()));
    this.active.clear();
  }

  // null: as it was.
  private async read(): Promise<Outcome | null> {
    const force = this.forced;
    this.forced = false;
    try {
      const result = await this.poll.poll(force);
      if (result.kind === 'unchanged') return null;
      return { kind: 'good', file: parseSources(decodeSources(result.bytes)) };
    } catch (error) {
      const { message } = error as Error;
      const fault =
        error instanceof Unavailable
          ? `[sources] path: ${shownPath(this.path)} ${message}; see to the file, or name another one`
          : `${shownPath(this.path)}: ${message}`;
      return !force && fault === this.fileFault() ? null : { kind: 'faulty', fault };
    }
  }

  private fileFault(): string | null {
    return this.outcome?.kind === 'faulty' ? this.outcome.fault : null;
  }

  // Each distinct fault once, for as long as it lasts.
  private report(outcome: Outcome): void {
    const before = this.reported;
    const wasFaulty = this.fileFault() !== null;
    this.reported = new Set();
    const once = (text: string, write: () => void): void => {
      if (!before.has(text)) write();
      this.reported.add(text);
    };
    if (outcome.kind === 'faulty') {
      const { fault } = outcome;
      once(fault, () => this.log.error('sources file cannot be used; the last good state stays', { fault }));
      return;
    }
    if (wasFaulty) this.log.info('sources file is good again', { path: this.path });
    const { entries, nameless, warnings } = outcome.file;
    for (const fault of [...nameless, ...entries.flatMap((entry) => entry.faults)]) {
      once(fault, () => this.log.error('entry of sources file cannot be used', { path: this.path, fault }));
    }
    for (const fault of entries.flatMap((entry) => entry.consoleFaults)) {
      once(fault, () => this.log.error('console of sources file cannot be used', { path: this.path, fault }));
    }
    for (const text of warnings) {
      once(text, () => this.log.warning('entry of sources file is odd', { path: this.path, text }));
    }
  }

  private async showFileFault(): Promise<void> {
    for (const name of await this.knownSources()) await this.stores.sources.setError(name, this.fileFault());
  }

  private async apply(file: SourcesFile): Promise<void> {
    const named = new Set(file.entries.map((entry) => entry.definition.name));
    // An entry without a usable name may be any of the missing ones.
    if (file.nameless.length === 0) {
      for (const name of await this.knownSources()) if (!named.has(name)) await this.remove(name);
    }
    const begun: Promise<void>[] = [];
    for (const entry of file.entries) await this.applyEntry(entry, begun);
    this.started = Promise.all(begun);
  }

  private async applyEntry(entry: SourceEntry, begun: Promise<void>[]): Promise<void> {
    if (entry.faults.length > 0) {
      await this.showEntryFault(entry, faultText(entry.faults));
      return;
    }
    const { name } = entry.definition;
    const fingerprint = fingerprintOf(entry);
    const current = this.active.get(name);
    if (current?.fingerprint === fingerprint) {
      begun.push(this.turns.add(() => current.task.runNow()));
      return;
    }
    const driver = await this.driverOf(entry);
    if (typeof driver === 'string') return this.showEntryFault(entry, driver);
    await this.stop(name);
    const { stores, timing, log } = this;
    const options = { definition: entry.definition, driver, stores, timing, log };
    const { consoleFaults } = entry;
    const partFault = consoleFaults.length > 0 ? faultText(consoleFaults) : null;
    const task = new SourceTask({ ...options, partFault, fileFault: () => this.fileFault() });
    this.active.set(name, { fingerprint, task });
    begun.push(this.turns.add(() => task.runNow()));
  }

  /** The driver, or why there is none. */
  private async driverOf({ definition, listed }: SourceEntry): Promise<SourceDriver | string> {
    try {
      const makeDriver = await platformOf(definition.type)?.loadDriver?.();
      const services = { consoles: this.stores.consoles, conf: this.conf };
      const driver = makeDriver?.({ definition, listed }, services);
      return driver ?? `this release has no driver for sources of type ${definition.type}`;
    } catch (error) {
      return (error as Error).message;
    }
  }

  // The rows of the source stay as they were; one that has no row yet gets one that can show the fault.
  private async showEntryFault(entry: SourceEntry, fault: string): Promise<void> {
    const { name, type } = entry.definition;
    await this.stop(name);
    const row = await this.stores.sources.find(name);
    if (row === null || row.deleted) await this.stores.sources.upsert({ name, type });
    await this.stores.sources.setError(name, fault);
  }

  private async remove(name: string): Promise<void> {
    await this.stop(name);
    const { sources, consoles, audit, node } = this.stores;
    const removed = await consoles.removeOfSource(name);
    const event = { source: name, node, pid: process.pid };
    // Its consoles have the source's end in their audit already; a source without consoles has only its own.
    const gone = removed.map((uuid) => ({ ...event, uuid, message: AUDIT.consoleGone }));
    await audit.recordMany(gone.length > 0 ? gone : [{ ...event, uuid: '', message: AUDIT.sourceGone }]);
    await sources.markDeleted(name);
    this.log.info('source has left the sources file', { source: name, consoles: removed.length });
  }

  private async stop(name: string): Promise<void> {
    await this.active.get(name)?.task.close();
    this.active.delete(name);
  }

  private async knownSources(): Promise<Set<string>> {
    const names = new Set(this.active.keys());
    let marker: string | undefined;
    do {
      const page = await this.stores.sources.list({ limit: PAGE_SIZE, marker });
      for (const { name } of page.items) names.add(name);
      marker = page.next ?? undefined;
    } while (marker !== undefined);
    return names;
  }
}

// Secrets stand in an entry: only its digest is kept.
const fingerprintOf = (entry: SourceEntry): string =>
  createHash('sha256')
    .update(JSON.stringify([entry.definition, entry.listed, entry.consoleFaults]))
    .digest('hex');
