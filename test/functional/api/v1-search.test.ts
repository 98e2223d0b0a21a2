// SPDX-License-Identifier: Apache-2.0
// Searches of /v1: filters, orders, and pages of them.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AuditEvents } from '../../../src/objects/audit-event.js';
import { ConsoleTokens } from '../../../src/objects/console-token.js';
import { Consoles } from '../../../src/objects/console.js';
import { Sources } from '../../../src/objects/source.js';
import { aConsole } from '../../fixtures/api-site.js';
import { aV1Site, type V1Site } from '../../fixtures/v1-site.js';

let v1: V1Site;
let member: string;
let admin: string;

const uuidOf = (n: number): string => `00000000-0000-4000-8000-00000000000${n}`;
const LATEST = { 'OpenStack-API-Version': 'console latest' };

beforeAll(async () => {
  v1 = await aV1Site();
  const { cloud, site } = v1;
  const other = cloud.keystone.directory.addProject('other');
  member = cloud.user(['member', 'reader']);
  admin = cloud.user(['admin'], other);
  const projectId = cloud.project.id;
  for (const name of ['lab', 'yard']) await new Sources(site.db).upsert({ name, type: 'static' });
  await new Consoles(site.db, { now: () => 2000 }).reconcile('lab', [
    aConsole({ uuid: uuidOf(1), name: 'zebra', projectId, instanceState: 'ACTIVE' }),
    aConsole({ uuid: uuidOf(2), name: 'Desk_1', projectId, instanceState: 'SHUTOFF' }),
    aConsole({ uuid: uuidOf(3), name: 'desk%2', projectId: other.id, instanceState: 'ACTIVE' }),
  ]);
  await new Consoles(site.db, { now: () => 1000 }).reconcile('yard', [
    aConsole({ uuid: uuidOf(4), name: 'writing-desk', projectId, instanceState: 'ACTIVE' }),
  ]);
  await mint(1, 'ann', 3000);
  await mint(2, 'bob', 3100);
  await mint(4, 'ann', 3200);
  await site.db.execute('DELETE FROM audit_events');
  const events = new AuditEvents(site.db);
  for (const [message, timestamp] of [
    ['first', 1000],
    ['third', 3000],
    ['second', 2000],
  ] as const)
    await events.record({ source: 'lab', uuid: uuidOf(1), message, timestamp });
  await events.record({
    ...{ source: 'lab', uuid: uuidOf(2), message: 'by hand', timestamp: 2500 },
    by: { kind: 'operator', name: 'root' },
  });
});
afterAll(() => v1.close());

async function mint(n: number, issuedTo: string, now: number): Promise<void> {
  const source = n === 4 ? 'yard' : 'lab';
  await new ConsoleTokens(v1.site.db, { tokenTtl: 600, now: () => now }).mint({
    ...{ source, uuid: uuidOf(n), issuedTo },
  });
}

/** One member of each item of all pages, as the links lead from one to the next. */
async function all(path: string, of: string, token = admin, headers = LATEST): Promise<unknown[]> {
  const found: unknown[] = [];
  for (let next: string | undefined = path; next !== undefined;) {
    const { status, json } = await v1.ask(token, 'GET', next, { headers });
    expect(status).toBe(200);
    const [items, links] = Object.values(json as object) as [Record<string, unknown>[], { href: string }[]?];
    found.push(...items.map((item) => item[of]));
    const href = links?.[0]?.href;
    next = href === undefined ? undefined : `${new URL(href).pathname}${new URL(href).search}`;
  }
  return found;
}

describe('a search of consoles', () => {
  it.each([
    ['name~=DESK', ['Desk_1', 'desk%2', 'writing-desk']],
    ['name~=k_1', ['Desk_1']],
    ['name~=%25', ['desk%2']],
    ['name~=desk&source=lab', ['Desk_1', 'desk%2']],
    ['name~=desk&state=ACTIVE', ['desk%2', 'writing-desk']],
    ['state=ACTIVE&sort=name:desc', ['zebra', 'writing-desk', 'desk%2']],
    ['sort=name', ['Desk_1', 'desk%2', 'writing-desk', 'zebra']],
    ['sort=created_at', ['writing-desk', 'zebra', 'Desk_1', 'desk%2']],
    ['sort=source:desc', ['writing-desk', 'desk%2', 'Desk_1', 'zebra']],
    ['name~=nothing', []],
  ])('by %s finds the same whatever the page', async (query, names) => {
    expect(await all(`/v1/consoles?${query}`, 'name')).toEqual(names);
    expect(await all(`/v1/consoles?${query}&limit=1`, 'name')).toEqual(names);
  });

  it('has consoles without a name first, or last', async () => {
    const { db } = v1.site;
    await db.execute('UPDATE consoles SET name = NULL WHERE uuid IN (?, ?)', [uuidOf(1), uuidOf(4)]);
    const uuids = [1, 4, 2, 3].map(uuidOf);
    const listed = all('/v1/consoles?sort=name&limit=1', 'instance_uuid');
    const reversed = all('/v1/consoles?sort=name:desc&limit=1', 'instance_uuid');
    expect([await listed, await reversed]).toEqual([uuids, uuids.toReversed()]);
    await db.execute("UPDATE consoles SET name = 'zebra' WHERE uuid = ?", [uuidOf(1)]);
    await db.execute("UPDATE consoles SET name = 'writing-desk' WHERE uuid = ?", [uuidOf(4)]);
  });

  it('stays within the project of the asker', async () => {
    expect(await all('/v1/consoles?name~=desk&limit=1', 'name', member)).toEqual(['Desk_1', 'writing-desk']);
  });

  it('is none in older versions', async () => {
    const headers = { 'OpenStack-API-Version': 'console 1.2' };
    expect(await all('/v1/consoles?name~=desk', 'name', admin, headers)).toHaveLength(4);
  });

  it.each([
    ['/v1/consoles?sort=ticket', 'sort must be name, created_at or source, and may end with :asc or :desc'],
    ['/v1/sessions?sort=name', 'sort must be created_at or id, and may end with :asc or :desc'],
    ['/v1/sessions?state=x', 'state must be pending, active, migrating, closing or closed'],
    ['/v1/audit-events?since=x', 'since must be a time in ISO 8601, such as 2026-01-31T12:00:00Z'],
    ['/v1/audit-events?requested_by=x', 'requested_by must be user, operator, notification or service'],
    [
      `/v1/consoles?sort=name&marker=lab/${uuidOf(9)}`,
      'marker: not one of this listing; use the one that the last page gave',
    ],
  ])('%s is refused', async (path, detail) => {
    const { status, json } = await v1.ask(admin, 'GET', path, { headers: LATEST });
    expect([status, json]).toMatchObject([400, { errors: [{ detail: `bad request: ${detail}` }] }]);
  });
});

describe('a search of sessions', () => {
  it.each([
    ['sort=created_at', [1, 2, 4]],
    ['sort=created_at:desc', [4, 2, 1]],
    ['user=ann', [4, 1]],
    ['state=pending', [4, 2, 1]],
    ['state=active', []],
    ['name~=desk', [4, 2]],
    [`sort=created_at&source=lab&instance_uuid=${uuidOf(2)}`, [2]],
  ])('by %s finds the same whatever the page', async (query, expected) => {
    const uuids = expected.map(uuidOf);
    expect(await all(`/v1/sessions?${query}`, 'instance_uuid')).toEqual(uuids);
    expect(await all(`/v1/sessions?${query}&limit=1`, 'instance_uuid')).toEqual(uuids);
    expect(await all(`/v1/sessions?${query}&limit=2`, 'instance_uuid', member)).toEqual(uuids);
  });
});

describe('sessions whose guest is being moved', () => {
  it('are active to a search, for all who see them', async () => {
    const { db } = v1.site;
    const moved = uuidOf(2);
    const put = (state: string): Promise<unknown> =>
      db.execute('UPDATE console_sessions SET state = ? WHERE uuid = ?', [state, moved]);
    await put('migrating');
    expect(await all('/v1/sessions?state=active', 'instance_uuid')).toEqual([moved]);
    expect(await all('/v1/sessions?state=active&limit=1', 'instance_uuid', member)).toEqual([moved]);
    expect(await all('/v1/sessions?state=migrating', 'state')).toEqual(['migrating']);
    await put('pending');
  });
});

describe('a search of audit events', () => {
  const time = (seconds: number): string => new Date(seconds * 1000).toISOString();

  it.each([
    [`since=${time(2000)}&until=${time(3000)}`, ['by hand', 'second']],
    [
      `since=${time(1000)}&until=${time(3500)}&source=lab&instance_uuid=${uuidOf(1)}`,
      ['third', 'second', 'first'],
    ],
    [`until=${time(4000)}&requested_by=operator`, ['by hand']],
    [`until=${time(4000)}&user=root`, ['by hand']],
  ])('by %s finds the same whatever the page', async (query, messages) => {
    expect(await all(`/v1/audit-events?${query}`, 'message')).toEqual(messages);
    expect(await all(`/v1/audit-events?${query}&limit=1`, 'message')).toEqual(messages);
  });
});
