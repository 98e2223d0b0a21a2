// SPDX-License-Identifier: Apache-2.0
// The listings of /v1, each item with its project. Reads only.
import {
  findSessionOf,
  listConnections,
  listEvents,
  listNarrowedConsoles,
  listSeenConsoles,
  listSessions,
  type ConnectionInventoryRow,
  type EventInventoryRow,
  type InventoryFilter,
  type SessionInventoryRow,
} from '../db/api/inventory.js';
import {
  searchConsoles,
  searchEvents,
  searchSessions,
  type ConsoleOrderKey,
  type ConsoleSearch,
  type EventSearch,
  type Order,
  type SessionOrderKey,
  type SessionSearch,
} from '../db/api/inventory-search.js';
import { sessionHasEvent } from '../db/api/audit-events.js';
import { findConsole, listConsoles, listConsolesOfProject } from '../db/api/consoles.js';
import type { ShownConsoleRow } from '../db/api/consoles.js';
import type { Database } from '../db/database.js';
import { InvalidInput } from '../exception.js';
import { RECORDING_AUDIT } from './audit-message.js';
import { pageOf } from './page.js';
import type { Page, PageRequest } from './page.js';
import { Services } from './service.js';
import type { Service, ServiceFilter } from './service.js';

export type { ConsoleOrderKey, ConsoleSearch, EventSearch, Order, SessionOrderKey, SessionSearch };
export type {
  ConnectionInventoryRow as ListedConnection,
  EventInventoryRow as ListedEvent,
  InventoryFilter,
  SessionInventoryRow as ListedSession,
  ShownConsoleRow as ListedConsole,
};

/** Everything of all sources. A listing is narrowed by its filter. */
export class Inventory {
  private readonly db: Database;

  constructor(db: Database) {
    this.db = db;
  }

  /** Consoles by source and uuid. @throws InvalidInput for a marker that is none */
  async consoles(page: PageRequest, filter: InventoryFilter): Promise<Page<ShownConsoleRow>> {
    const marker = page.marker === undefined ? null : consoleMarker(page.marker);
    const limit = page.limit + 1;
    const rows =
      filter.source !== undefined || filter.uuid !== undefined
        ? await listNarrowedConsoles(this.db, filter, marker, limit)
        : filter.sight !== undefined
          ? await listSeenConsoles(this.db, filter.sight, marker, limit, filter.projectId)
          : filter.projectId === undefined
            ? await listConsoles(this.db, marker, limit)
            : await listConsolesOfProject(this.db, filter.projectId, marker, limit);
    return pageOf(
      rows,
      page.limit,
      (row) => row,
      ({ source, uuid }) => `${source}/${uuid}`,
    );
  }

  /** Consoles in the order that is asked for. @throws InvalidInput for a marker that is none, or is gone */
  async findConsoles(page: PageRequest, search: ConsoleSearch): Promise<Page<ShownConsoleRow>> {
    const marker = page.marker === undefined ? null : consoleMarker(page.marker);
    const rows = await searchConsoles(this.db, search, marker, page.limit + 1);
    return found(page, rows, ({ source, uuid }) => `${source}/${uuid}`);
  }

  /** Sessions in the order that is asked for. @throws InvalidInput for a marker that is gone */
  async findSessions(page: PageRequest, search: SessionSearch): Promise<Page<SessionInventoryRow>> {
    const rows = await searchSessions(this.db, search, page.marker ?? null, page.limit + 1);
    return found(page, rows, ({ session_id }) => session_id);
  }

  /** Whether the recording of a session has begun, as long as the audit trail knows. */
  wasRecorded(sessionId: string): Promise<boolean> {
    return sessionHasEvent(this.db, sessionId, RECORDING_AUDIT.begun);
  }

  /** Audit events by their time, newest first. @throws InvalidInput for a marker that is none, or is gone */
  async findEvents(page: PageRequest, search: EventSearch): Promise<Page<EventInventoryRow>> {
    const marker = page.marker === undefined ? null : numberMarker(page.marker);
    const rows = await searchEvents(this.db, search, marker, page.limit + 1);
    return found(page, rows, ({ id }) => String(id));
  }

  /** One console; null when there is none. */
  console(source: string, uuid: string): Promise<ShownConsoleRow | null> {
    return findConsole(this.db, source, uuid);
  }

  /** Sessions by id, those that ended within the last day too. */
  async sessions(page: PageRequest, filter: InventoryFilter): Promise<Page<SessionInventoryRow>> {
    const rows = await listSessions(this.db, filter, page.marker ?? '', page.limit + 1);
    return pageOf(
      rows,
      page.limit,
      (row) => row,
      ({ session_id }) => session_id,
    );
  }

  /** One session; null when there is none. */
  session(sessionId: string): Promise<SessionInventoryRow | null> {
    return findSessionOf(this.db, sessionId);
  }

  /** Connections in the order in which they were opened. @throws InvalidInput for a marker that is none */
  async connections(page: PageRequest, filter: InventoryFilter): Promise<Page<ConnectionInventoryRow>> {
    const marker = page.marker === undefined ? 0 : numberMarker(page.marker);
    const rows = await listConnections(this.db, filter, marker, page.limit + 1);
    return pageOf(
      rows,
      page.limit,
      (row) => row,
      ({ id }) => String(id),
    );
  }

  /**
   * Services of Kerbside in the order in which they first appeared. `downTime`: seconds of silence after which one is
   * down. @throws InvalidInput for a marker that is none
   */
  services(page: PageRequest, filter: ServiceFilter & { readonly downTime: number }): Promise<Page<Service>> {
    return new Services(this.db).list(page, filter);
  }

  /** Audit events, newest first. @throws InvalidInput for a marker that is none */
  async events(page: PageRequest, filter: InventoryFilter): Promise<Page<EventInventoryRow>> {
    const marker = page.marker === undefined ? Number.MAX_SAFE_INTEGER : numberMarker(page.marker);
    const rows = await listEvents(this.db, filter, marker, page.limit + 1);
    return pageOf(
      rows,
      page.limit,
      (row) => row,
      ({ id }) => String(id),
    );
  }
}

function found<Row>(page: PageRequest, rows: Row[] | null, markerOf: (row: Row) => string): Page<Row> {
  if (rows === null) throw notOfThisListing();
  return pageOf(rows, page.limit, (row) => row, markerOf);
}

// A uuid holds no slash; a source's name may.
function consoleMarker(marker: string): { source: string; uuid: string } {
  const cut = marker.lastIndexOf('/');
  if (cut < 0) throw notOfThisListing();
  return { source: marker.slice(0, cut), uuid: marker.slice(cut + 1) };
}

function numberMarker(marker: string): number {
  const found = Number(marker);
  if (!/^\d+$/.test(marker) || !Number.isSafeInteger(found)) throw notOfThisListing();
  return found;
}

function notOfThisListing(): InvalidInput {
  return new InvalidInput('marker: not one of this listing; use the one that the last page gave');
}
