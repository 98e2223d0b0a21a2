// SPDX-License-Identifier: Apache-2.0
// Pages that run through the rows of many consoles, merged by hand, are those of one sorted listing.
import { describe, expect, it } from '@jest/globals';
import type { Database } from '../../../src/db/database.js';
import { AuditEvents } from '../../../src/objects/audit-event.js';
import { ConsoleTokens } from '../../../src/objects/console-token.js';
import { Consoles } from '../../../src/objects/console.js';
import { Inventory, type InventoryFilter, type ListedEvent } from '../../../src/objects/inventory.js';
import type { Page, PageRequest } from '../../../src/objects/page.js';
import { strangerAt } from '../../../src/objects/requester.js';
import { Sources } from '../../../src/objects/source.js';
import { databasesOf, ENGINES } from '../../fixtures/database.js';
import { aConsole } from '../../fixtures/rows.js';

const SOURCES = ['east', 'west'];
const UUIDS = ['a', 'b', 'c'];
const FILTERS: InventoryFilter[] = [
  { projectId: 'mine' },
  { uuid: 'b' },
  { uuid: 'b', projectId: 'mine' },
  { source: 'west', projectId: 'mine' },
  { source: 'west', uuid: 'c', projectId: 'mine' },
  { source: 'west', uuid: 'c' },
  { uuid: 'nobody' },
  { projectId: 'nobody' },
];

const EVENT_FILTERS: InventoryFilter[] = [
  { sessionId: 'session-1' },
  { sessionId: 'session-1', user: 'ann' },
  { sessionId: 'session-1', projectId: 'mine' },
  { sessionId: 'nobody' },
  { user: 'ann' },
  { user: 'bob' },
  { user: 'ann', projectId: 'mine' },
  { user: 'ann', uuid: 'b' },
  { user: 'ann', source: 'west', uuid: 'c' },
  { user: 'nobody' },
];

/** Six consoles, of which all but one are of one project; their rows come in an order that is no console's own. */
async function fill(db: Database): Promise<void> {
  const tokens = new ConsoleTokens(db, { tokenTtl: 60 });
  const consoles = SOURCES.flatMap((source) => UUIDS.map((uuid) => ({ source, uuid })));
  for (const source of SOURCES) {
    await new Sources(db).upsert({ name: source, type: 'static' });
    const projectOf = (uuid: string): string => (source === 'east' && uuid === 'a' ? 'theirs' : 'mine');
    const discovered = UUIDS.map((uuid) => aConsole({ uuid, projectId: projectOf(uuid) }));
    await new Consoles(db).reconcile(source, discovered);
  }
  for (let at = 0; at < 40; at += 1) {
    const console = consoles[(at * at + (at >> 2)) % consoles.length];
    if (console === undefined) continue;
    const users = ['ann', 'bob', undefined] as const;
    const asked = { ...strangerAt('192.0.2.1'), name: users[(at * 5 + 1) % 3] ?? null };
    await new AuditEvents(db).record({
      ...{ ...console, message: `event ${String(at)}`, session_id: `session-${String(at % 4)}` },
      issued_to: users[at % 3],
      by: at % 2 === 0 ? asked : undefined,
    });
    if (at % 2 === 0) await tokens.mint({ ...console, issuedTo: 'ann' });
  }
}

/** Every page of a listing, of `limit` rows each. */
async function pages<T>(limit: number, read: (page: PageRequest) => Promise<Page<T>>): Promise<T[]> {
  const found: T[] = [];
  let marker: string | undefined;
  do {
    const page = await read({ limit, marker });
    found.push(...page.items);
    marker = page.next ?? undefined;
  } while (marker !== undefined);
  return found;
}

describe.each(ENGINES)('listings of many consoles on %s', (engine) => {
  const databases = databasesOf(engine, { keep: true });
  let filled: Promise<Database> | undefined;

  async function inventory(): Promise<Inventory> {
    filled ??= databases.fresh().then(async (db) => {
      await fill(db);
      return db;
    });
    return new Inventory(await filled);
  }

  function matches(
    { source, uuid, projectId }: InventoryFilter,
    row: { readonly source: string; readonly uuid: string; readonly project_id: string | null },
  ): boolean {
    return (
      (source === undefined || row.source === source) &&
      (uuid === undefined || row.uuid === uuid) &&
      (projectId === undefined || row.project_id === projectId)
    );
  }

  it.each(FILTERS)('have every audit event of %j once, newest first', async (filter) => {
    const of = await inventory();
    const expected = (await of.events({ limit: 1000 }, {})).items.filter((row) => matches(filter, row));
    for (const limit of [1, 2, 3, 5, 1000])
      expect(await pages(limit, (page) => of.events(page, filter))).toEqual(expected);
  });

  function tells({ sessionId, user, ...where }: InventoryFilter, event: ListedEvent): boolean {
    return (
      matches(where, event) &&
      (sessionId === undefined || event.session_id === sessionId) &&
      (user === undefined || event.issued_to === user || event.request_user === user)
    );
  }

  it.each(EVENT_FILTERS)('have every audit event of %j once, newest first', async (filter) => {
    const of = await inventory();
    const expected = (await of.events({ limit: 1000 }, {})).items.filter((event) => tells(filter, event));
    if (!Object.values(filter).includes('nobody')) expect(expected).not.toEqual([]);
    for (const limit of [1, 2, 3, 5, 1000])
      expect(await pages(limit, (page) => of.events(page, filter))).toEqual(expected);
  });

  it.each(FILTERS)('have every session of %j once, by its id', async (filter) => {
    const of = await inventory();
    const expected = (await of.sessions({ limit: 1000 }, {})).items.filter((row) => matches(filter, row));
    for (const limit of [1, 2, 3, 5, 1000])
      expect(await pages(limit, (page) => of.sessions(page, filter))).toEqual(expected);
  });

  it.each(FILTERS)('have every console of %j once, by source and uuid', async (filter) => {
    const of = await inventory();
    const expected = (await of.consoles({ limit: 1000 }, {})).items.filter((row) => matches(filter, row));
    for (const limit of [1, 2, 3, 1000])
      expect(await pages(limit, (page) => of.consoles(page, filter))).toEqual(expected);
  });
});
