// SPDX-License-Identifier: Apache-2.0
// A console: one virtual machine's SPICE server as a source reported it.
import { isDeepStrictEqual } from 'node:util';
import {
  deleteConsole,
  findConsole,
  findConsoleIdentity,
  findConsoleRow,
  findConsoleTarget,
  insertConsoles,
  listConsoles,
  listConsolesOfProject,
  listOfSource,
  markLooked,
  updateAccess,
  updateConsole,
} from '../db/api/consoles.js';
import { listSeenConsoles } from '../db/api/inventory.js';
import type { Sight } from '../db/api/sight.js';
import type { Database } from '../db/database.js';
import { refreshKey } from '../db/keys.js';
import type { ConsoleRow } from '../db/models/console.js';
import { ticketContext } from '../db/encryption-contexts.js';
import { ListRecords } from './access.js';
import type { AccessEntry } from './access-list.js';
import { AuditEvents } from './audit-event.js';
import type { AuditEntry } from './audit-event.js';
import { AUDIT, consoleChanged } from './audit-message.js';
import { systemClock } from './clock.js';
import type { Clock } from './clock.js';
import type { ConnectInfo } from './connect-info.js';
import { openTicket, tagsIn, tagsText, toConnectInfo, toDiscovered } from './console-row.js';
import type { Console, ConsoleIdentity, DiscoveredConsole } from './console-row.js';
import { markerOf, toMarker, withSessions } from './console-page.js';
import { protocolIn, protocolText } from './console-protocol.js';
import { checkDiscovered } from './discovered-bounds.js';
import { pageOf } from './page.js';
import { NO_SETTINGS, settingsIn, settingsText } from './own-settings.js';
import type { Page, PageRequest } from './page.js';

export type { Console, ConsoleIdentity, DiscoveredConsole } from './console-row.js';

/** uuids by what happened to them. */
export interface Reconciliation {
  added: string[];
  changed: string[];
  removed: string[];
}

/** The same while it is under way. */
interface Work extends Reconciliation {
  /** Some say something else for themselves. */
  resettled: boolean;
}

export interface ConsolesOptions {
  /** Epoch seconds; tests replace it. */
  readonly now?: Clock;
  /** Who reconciles, for audit. */
  readonly node?: string;
  readonly pid?: number;
  readonly service?: string | undefined;
  /** Called with the source when consoles of it say something else for themselves than before; must not throw. */
  readonly settingsChanged?: (source: string) => void;
}

/** Which consoles are listed. */
export interface ConsolesOf {
  readonly projectId?: string | undefined;
  readonly sight?: Sight | undefined;
}

/** How a console became known. */
export interface PutOptions {
  /** Seconds since the platform was asked: what it sent before that is older. Absent: it was not asked. */
  readonly askedAgo?: number | undefined;
  /**
   * The console as it was before the platform was asked. Nothing is written when it is gone or not the same any more:
   * its last write, by a refresh or an event, is newer.
   */
  readonly before?: DiscoveredConsole | undefined;
}

const BATCH = 200;
/** Seconds by which the platform's clock may differ from the database's. */
const CLOCK_SLACK = 2;
/** Fields whose change is audited, in the order and under the names of the original; what it does not have comes last. */
const COMPARED = [
  'name',
  'hypervisor',
  'hypervisor_ip',
  'insecure_port',
  'secure_port',
  'host_subject',
  'ticket',
  'connect_proxy',
  'unix_socket',
  'protocol',
] as const;
/** Fields that are written when they change, and not audited. */
const FOLLOWED = [
  'project_id',
  'user_id',
  'instance_state',
  'instance_host',
  'address_host',
  'address_stale',
  'settings',
  'tags',
  'access_id',
] as const;
/** Consoles that a source has, but that could not be read. */
export interface UnreadConsoles {
  readonly uuids: readonly string[];
  /** There are some whose uuid could not be read either: any console may be one of them. */
  readonly nameless: boolean;
}

/** Every console of the source was read. */
export const ALL_READ: UnreadConsoles = { uuids: [], nameless: false };

/** The consoles of all sources. */
export class Consoles {
  private readonly db: Database;
  private readonly now: Clock;
  private readonly audit: AuditEvents;
  private readonly actor: Pick<AuditEntry, 'node' | 'pid'>;
  private readonly settingsChanged: (source: string) => void;

  constructor(db: Database, options: ConsolesOptions = {}) {
    this.db = db;
    this.now = options.now ?? systemClock;
    this.audit = new AuditEvents(db, { now: this.now, service: options.service });
    this.actor = { node: options.node, pid: options.pid };
    this.settingsChanged = options.settingsChanged ?? (() => undefined);
  }

  /**
   * Makes the source's rows equal to what was discovered, and audits every difference. Of a uuid that comes twice the
   * last one counts. Consoles that could not be read stay as they are. Several nodes may reconcile at once.
   * @throws InvalidInput when a value does not fit; nothing is changed then
   */
  async reconcile(
    source: string,
    discovered: readonly DiscoveredConsole[],
    unread: UnreadConsoles = ALL_READ,
  ): Promise<Reconciliation> {
    for (const console of discovered) checkDiscovered(console);
    const wanted = new Map(discovered.map((console) => [console.uuid, console]));
    const kept = new Set(unread.uuids.map((uuid) => uuid.toLowerCase()));
    const done: Work = { added: [], changed: [], removed: [], resettled: false };
    await refreshKey(this.db);
    const lists = await ListRecords.of(this.db, source);
    let marker = '';
    for (;;) {
      const rows = await listOfSource(this.db, source, marker, BATCH);
      const last = rows.at(-1);
      if (last === undefined) break;
      for (const row of rows) {
        const console = wanted.get(row.uuid);
        wanted.delete(row.uuid);
        if (console === undefined && (unread.nameless || kept.has(row.uuid.toLowerCase()))) continue;
        await this.reconcileRow(row, console, done, lists);
      }
      marker = last.uuid;
      await breathe();
    }
    await this.add(source, [...wanted.values()], done, lists);
    await lists.confirm();
    const { resettled, ...outcome } = done;
    if (resettled) this.settingsChanged(source);
    return outcome;
  }

  /**
   * Writes down one console of a platform that is asked for one at a time, and audits what is new. false: it is not
   * what it was before the platform was asked, and stays.
   * @throws InvalidInput when a value does not fit
   */
  async put(source: string, console: DiscoveredConsole, options: PutOptions = {}): Promise<boolean> {
    checkDiscovered(console);
    await refreshKey(this.db);
    const done: Work = { added: [], changed: [], removed: [], resettled: false };
    const { before, askedAgo } = options;
    const lists = await ListRecords.of(this.db, source);
    const row = await findConsoleRow(this.db, source, console.uuid);
    if (row === null && before !== undefined) return false;
    if (row === null) await this.add(source, [console], done, lists);
    else if (!(await this.reconcileRow(row, console, done, lists, before))) return false;
    await lists.confirm();
    if (done.resettled) this.settingsChanged(source);
    if (askedAgo !== undefined) await markLooked(this.db, source, console.uuid, askedAgo + CLOCK_SLACK);
    return true;
  }

  /** Removes one console and audits it; false when it was gone. */
  async remove(source: string, uuid: string): Promise<boolean> {
    if (!(await deleteConsole(this.db, source, uuid))) return false;
    await this.audit.record({ ...this.actor, source, uuid, message: AUDIT.consoleGone });
    return true;
  }

  /**
   * What the entry of a source says about access, applied to the consoles that are known: it must not wait for the platform to
   * answer.
   */
  async applyAccess(source: string, access: readonly AccessEntry[] | undefined): Promise<void> {
    const lists = new ListRecords(this.db, access);
    let marker = '';
    for (;;) {
      const rows = await listOfSource(this.db, source, marker, BATCH);
      const last = rows.at(-1);
      if (last === undefined) return lists.confirm();
      for (const row of rows) {
        const accessId = await lists.idFor(settingsIn(row.settings).access, tagsIn(row.tags));
        if (accessId !== row.access_id) await updateAccess(this.db, row, row.access_id, accessId);
      }
      marker = last.uuid;
      await breathe();
    }
  }

  /** Consoles of one source after `uuid` as they were last reported, tickets included; for a driver to refresh. */
  async reported(source: string, uuid: string, limit: number): Promise<DiscoveredConsole[]> {
    const rows = await listOfSource(this.db, source, uuid, limit);
    return rows.map((row) => toDiscovered(this.db, row));
  }

  /** One console as it was last reported; null when there is none. */
  async reportedOne(source: string, uuid: string): Promise<DiscoveredConsole | null> {
    const row = await findConsoleRow(this.db, source, uuid);
    return row === null ? null : toDiscovered(this.db, row);
  }

  /** Removes all consoles of a source that left the configuration; audits 'Source no longer available'. */
  async removeOfSource(source: string): Promise<string[]> {
    const removed: string[] = [];
    for (;;) {
      const rows = await listOfSource(this.db, source, '', BATCH);
      if (rows.length === 0) return removed;
      for (const { uuid } of rows) {
        if (!(await deleteConsole(this.db, source, uuid))) continue;
        removed.push(uuid);
        await this.audit.record({ ...this.actor, source, uuid, message: AUDIT.sourceGone });
      }
      await breathe();
    }
  }

  /** By source and uuid; all, those of one project, or those that somebody sees. */
  async list(page: PageRequest, { projectId, sight }: ConsolesOf = {}): Promise<Page<Console>> {
    const [marker, limit] = [markerOf(page.marker), page.limit + 1];
    const rows =
      sight !== undefined
        ? await listSeenConsoles(this.db, sight, marker, limit)
        : projectId === undefined
          ? await listConsoles(this.db, marker, limit)
          : await listConsolesOfProject(this.db, projectId, marker, limit);
    const shown = pageOf(rows, page.limit, (row) => row, toMarker);
    return { items: await withSessions(this.db, shown.items, this.now()), next: shown.next };
  }

  /** What may be asked for and who may ask for it, and no more: one row. null when there is no such console. */
  async identify(source: string, uuid: string): Promise<ConsoleIdentity | null> {
    const row = await findConsoleIdentity(this.db, source, uuid);
    if (row === null) return null;
    const { name, project_id: projectId, access_id: accessId, source_deleted: deleted } = row;
    const protocol = protocolIn(row.protocol);
    return { source, uuid, name, projectId, accessId, protocol, sourceIsThere: deleted === 0 };
  }

  /** One console with its sessions; null when there is none. */
  async find(source: string, uuid: string): Promise<Console | null> {
    const row = await findConsole(this.db, source, uuid);
    if (row === null) return null;
    const [console] = await withSessions(this.db, [row], this.now());
    return console ?? null;
  }

  /** The console's address with its decrypted ticket and the source's CA; null when the console is gone. */
  async connectInfo(source: string, uuid: string): Promise<ConnectInfo | null> {
    const row = await findConsoleTarget(this.db, source, uuid);
    return row === null ? null : toConnectInfo(this.db, row);
  }

  private async reconcileRow(
    row: ConsoleRow,
    console: DiscoveredConsole | undefined,
    done: Work,
    lists: ListRecords,
    before?: DiscoveredConsole,
  ): Promise<boolean> {
    const at = { ...this.actor, source: row.source, uuid: row.uuid };
    if (console === undefined) {
      if (!(await deleteConsole(this.db, row.source, row.uuid))) return true;
      done.removed.push(row.uuid);
      await this.audit.record({ ...at, message: AUDIT.consoleGone });
      return true;
    }
    if (before !== undefined && !isDeepStrictEqual(toDiscovered(this.db, row), before)) return false;
    const since = before === undefined ? undefined : (before.instanceEventAt ?? null);
    const next = await this.toRow(row, console, lists, row.ticket);
    const ticketIsSame = openTicket(this.db, row) === console.ticket;
    const fields = COMPARED.filter((field) =>
      field === 'ticket' ? !ticketIsSame : row[field] !== next[field],
    );
    const followed = FOLLOWED.some((field) => row[field] !== next[field]);
    if (fields.length === 0 && !followed) return true;
    // Sealed anew only for what is written: nearly all of thousands are as they were.
    const ticket = this.sealed(row.source, console);
    if (!(await updateConsole(this.db, { ...next, ticket }, since))) return false;
    if (row.settings !== next.settings) done.resettled = true;
    if (fields.length === 0) return true;
    done.changed.push(row.uuid);
    await this.audit.record({ ...at, message: consoleChanged(fields) });
    return true;
  }

  private async add(
    source: string,
    consoles: readonly DiscoveredConsole[],
    done: Work,
    lists: ListRecords,
  ): Promise<void> {
    for (let from = 0; from < consoles.length; from += BATCH) {
      const now = this.now();
      const rows = await Promise.all(
        consoles
          .slice(from, from + BATCH)
          .map((console) =>
            this.toRow({ source, discovered: now }, console, lists, this.sealed(source, console)),
          ),
      );
      const added = await insertConsoles(this.db, source, rows);
      done.added.push(...added);
      const message = AUDIT.consoleDiscovered;
      await this.audit.recordMany(added.map((uuid) => ({ ...this.actor, source, uuid, message })));
      await breathe();
    }
  }

  /** The ticket as it is recorded; null: none. */
  private sealed(source: string, { uuid, ticket }: DiscoveredConsole): string | null {
    return ticket === '' ? null : this.db.cipher.seal(ticketContext(source, uuid), ticket);
  }

  private async toRow(
    { source, discovered }: Pick<ConsoleRow, 'source' | 'discovered'>,
    console: DiscoveredConsole,
    lists: ListRecords,
    ticket: string | null,
  ): Promise<ConsoleRow> {
    const { uuid, settings, tags } = console;
    return {
      source,
      uuid,
      discovered,
      hypervisor: console.hypervisor,
      hypervisor_ip: console.hypervisorIp,
      insecure_port: console.insecurePort,
      secure_port: console.securePort,
      name: console.name,
      host_subject: console.hostSubject,
      ticket,
      project_id: console.projectId ?? null,
      user_id: console.userId ?? null,
      instance_state: console.instanceState ?? null,
      instance_host: console.instanceHost ?? null,
      instance_event_at: null,
      instance_locked: null,
      instance_locked_at: null,
      address_host: console.addressHost ?? null,
      address_stale: console.addressStale === true ? 1 : null,
      connect_proxy: console.connectProxy ?? null,
      unix_socket: console.unixSocket ?? null,
      protocol: protocolText(console.protocol),
      settings: settingsText(settings ?? NO_SETTINGS),
      tags: tagsText(tags),
      access_id: await lists.idFor(settings?.access, tags ?? []),
    };
  }
}

// SQLite's driver is synchronous: without this a large source would hold up every request.
function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
