// SPDX-License-Identifier: Apache-2.0
// The chain of audit events: who writes, who seals, what is found when somebody has changed it, what retention and holds do.
import { describe, expect, it } from '@jest/globals';
import { listUnsealed, sealEvents } from '../../../src/db/api/audit-chain.js';
import type { Database } from '../../../src/db/database.js';
import { DuplicateRow } from '../../../src/db/faults.js';
import { AuditChain, placesAfter } from '../../../src/objects/audit-chain.js';
import { AuditCursors } from '../../../src/objects/audit-cursor.js';
import { GENESIS } from '../../../src/objects/audit-digest.js';
import { AuditHolds } from '../../../src/objects/audit-hold.js';
import { reapAuditEvents } from '../../../src/objects/audit-retention.js';
import { verifyChain } from '../../../src/objects/audit-verification.js';
import { sealAll, writeEvents } from '../../fixtures/audit-trail.js';
import { databasesOf, ENGINES } from '../../fixtures/database.js';

const HOLD = { reason: 'case 17', by: 'alice' };
const faultsOf = async (db: Database): Promise<readonly string[]> => (await verifyChain(db)).faults;
const messagesOf = async (db: Database): Promise<string[]> =>
  (await new AuditChain(db).after(0, 10_000)).map(({ message }) => message);

describe.each(ENGINES)('the chain of audit events on %s', (engine) => {
  const databases = databasesOf(engine);

  it('is empty and whole before the first event', async () => {
    const db = await databases.fresh();
    expect(await verifyChain(db)).toEqual({
      ...{ checked: 0, removed: 0, unchecked: 0, unsealed: 0, position: 0, digest: GENESIS, faults: [] },
    });
  });

  it('takes events in their order, each after the one before, and is whole', async () => {
    const db = await databases.fresh();
    await writeEvents(db, 450, { from: 1_800_000_000.123456, client_ip: '::1', pid: 7, channel: 'main' });
    expect(await sealAll(db)).toBe(450);
    const events = await new AuditChain(db).after(0, 1000);
    expect(events.map(({ position }) => position)).toEqual(events.map((_event, at) => at + 1));
    expect(events.map(({ message }) => message)).toEqual(events.map((_event, at) => `event ${at + 1}`));
    expect(events.map(({ previous }) => previous)).toEqual([
      GENESIS,
      ...events.slice(0, -1).map(({ digest }) => digest),
    ]);
    expect(await verifyChain(db)).toMatchObject({ checked: 450, position: 450, faults: [] });
  });

  it('has texts of every alphabet as the database keeps them', async () => {
    const db = await databases.fresh();
    await writeEvents(db, 1, { message: 'žluťoučký kůň 🐎 "\\ \u0000 \ud800', issued_to: 'Ω'.repeat(255) });
    await sealAll(db);
    expect(await faultsOf(db)).toEqual([]);
  });

  it('waits a moment, so that what was written before is there too', async () => {
    const db = await databases.fresh();
    const chain = new AuditChain(db);
    await writeEvents(db, 2);
    expect(await chain.seal()).toBe(0);
    await writeEvents(db, 3);
    expect(await chain.seal()).toBe(2);
    expect(await chain.seal()).toBe(3);
  });

  it('gives an event that comes late with a lower number the next place', async () => {
    const db = await databases.fresh();
    await writeEvents(db, 3);
    await db.execute('UPDATE audit_events SET id = id + 100 WHERE id > 1');
    await sealAll(db);
    await db.execute(
      "INSERT INTO audit_events (id, source, uuid, timestamp, message) VALUES (50, 'lab', 'a', 1, 'late')",
    );
    await sealAll(db);
    expect(await messagesOf(db)).toEqual(['event 1', 'event 2', 'event 3', 'late']);
    expect(await faultsOf(db)).toEqual([]);
  });

  it('stays whole when several processes seal at the same time', async () => {
    const db = await databases.fresh();
    await writeEvents(db, 500);
    const sealers = await Promise.allSettled(Array.from({ length: 4 }, () => sealAll(db)));
    await sealAll(db);
    expect(sealers.some(({ status }) => status === 'fulfilled')).toBe(true);
    expect(await verifyChain(db)).toMatchObject({ checked: 500, position: 500, unsealed: 0, faults: [] });
  });

  it('is not changed by a sealer that was overtaken', async () => {
    const db = await databases.fresh();
    await writeEvents(db, 4);
    await db.execute('UPDATE audit_events SET id = id + 100');
    const events = await listUnsealed(db, 1000, 10);
    const inTheirPlaces = placesAfter({ position: 0, digest: GENESIS }, events);
    await db.execute(
      "INSERT INTO audit_events (id, source, uuid, timestamp, message) VALUES (50, 'lab', 'a', 1, 'late')",
    );
    await sealAll(db);
    await expect(sealEvents(db, inTheirPlaces)).rejects.toThrow(DuplicateRow);
    expect(await messagesOf(db)).toEqual(['late', 'event 1', 'event 2', 'event 3', 'event 4']);
    expect(await verifyChain(db)).toMatchObject({ checked: 5, position: 5, unsealed: 0, faults: [] });
  });

  it.each([
    ['a changed sentence', "UPDATE audit_events SET message = 'nothing happened' WHERE chain_position = 3"],
    ['a changed user', "UPDATE audit_events SET issued_to = 'mallory' WHERE chain_position = 3"],
    ['a changed time', 'UPDATE audit_events SET timestamp = timestamp + 0.001 WHERE chain_position = 3'],
    ['a changed digest', `UPDATE audit_events SET chain_digest = '${GENESIS}' WHERE chain_position = 3`],
  ])('tells of %s', async (_what, sql) => {
    const db = await databases.fresh();
    await writeEvents(db, 5);
    await sealAll(db);
    await db.execute(sql);
    expect((await faultsOf(db))[0]).toBe('position 3 (event 3): changed after it was sealed');
  });

  it.each([
    ['the first event', '= 1', 'position 1: the event is missing, and retention did not remove them'],
    [
      'events in between',
      'IN (2, 3)',
      'positions 2 to 3: the events are missing, and retention did not remove them',
    ],
  ])('tells of the removal of %s', async (_what, which, fault) => {
    const db = await databases.fresh();
    await writeEvents(db, 5);
    await sealAll(db);
    await db.execute(`DELETE FROM audit_events WHERE chain_position ${which}`);
    expect(await faultsOf(db)).toEqual([fault]);
  });

  it('tells of the removal of the newest events when a sink had them', async () => {
    const db = await databases.fresh();
    const cursors = new AuditCursors(db);
    const cursor = await cursors.open('jsonl');
    await writeEvents(db, 5);
    await sealAll(db);
    await cursors.delivered(cursor, await new AuditChain(db).after(0, 10));
    await db.execute('DELETE FROM audit_events WHERE chain_position > 3');
    expect(await faultsOf(db)).toEqual([
      'positions 4 to 5: the events are missing, and retention did not remove them, and sink jsonl has had them',
    ]);
  });

  it('tells of a chain that was computed anew after a sink had it', async () => {
    const db = await databases.fresh();
    const cursors = new AuditCursors(db);
    const cursor = await cursors.open('jsonl');
    await writeEvents(db, 5);
    await sealAll(db);
    await cursors.delivered(cursor, await new AuditChain(db).after(0, 10));
    await db.execute('UPDATE audit_events SET chain_position = NULL, chain_digest = NULL');
    await db.execute("UPDATE audit_events SET message = 'nothing happened' WHERE id = 2");
    await sealAll(db);
    expect(await faultsOf(db)).toEqual(['position 5: not the event that sink jsonl was given']);
  });

  it('stays whole when retention takes its beginning, and all of it', async () => {
    const db = await databases.fresh();
    await writeEvents(db, 1200);
    await sealAll(db);
    expect(await reapAuditEvents(db, { maxAge: 100 }, 1800)).toBe(700);
    expect(await verifyChain(db)).toMatchObject({ checked: 500, removed: 700, position: 1200, faults: [] });
    expect(await db.query('SELECT first_position, last_position FROM audit_anchors')).toEqual([
      { first_position: 1, last_position: 700 },
    ]);
    expect(await reapAuditEvents(db, { maxEvents: 0 }, 1800)).toBe(500);
    expect(await verifyChain(db)).toMatchObject({ checked: 0, removed: 1200, position: 1200, faults: [] });
    await writeEvents(db, 2);
    await sealAll(db);
    expect(await verifyChain(db)).toMatchObject({ checked: 2, removed: 1200, position: 1202, faults: [] });
  });

  it('tells of an event that is missing beside those that retention took', async () => {
    const db = await databases.fresh();
    await writeEvents(db, 10);
    await sealAll(db);
    await reapAuditEvents(db, { maxAge: 0 }, 1005);
    await db.execute('DELETE FROM audit_events WHERE chain_position = 6');
    expect(await faultsOf(db)).toEqual([
      'position 6: the event is missing, and retention did not remove them',
    ]);
  });

  it('is whole after a removal that was interrupted, and the next one ends it', async () => {
    const db = await databases.fresh();
    await writeEvents(db, 10);
    await sealAll(db);
    const digest = (await new AuditChain(db).after(5, 1))[0]?.digest ?? '';
    await db.execute('INSERT INTO audit_anchors VALUES (1, 6, ?, 0)', [digest]);
    await db.execute('DELETE FROM audit_events WHERE chain_position < 3');
    expect(await faultsOf(db)).toEqual([]);
    expect(await reapAuditEvents(db, { maxAge: 0 }, 1008)).toBe(6);
    expect(await verifyChain(db)).toMatchObject({ checked: 2, removed: 8, faults: [] });
  });

  it('keeps events that have no place in it yet from retention', async () => {
    const db = await databases.fresh();
    await writeEvents(db, 3);
    expect(await reapAuditEvents(db, { maxAge: 0, maxEvents: 0 }, 5000)).toBe(0);
    await sealAll(db);
    expect(await reapAuditEvents(db, { maxAge: 0 }, 5000)).toBe(3);
  });

  it.each([
    ['a console', { source: 'lab', uuid: 'b' }, ['b 1', 'b 2']],
    ['a session', { sessionId: 'session00001' }, ['s 1', 's 2']],
    ['a period', { from: 1001, to: 1002 }, ['event 2', 'event 3']],
    ['a console in a period', { source: 'lab', uuid: 'b', from: 2001 }, ['b 2']],
  ])('keeps what a hold of %s names, and is whole', async (_what, held, kept) => {
    const db = await databases.fresh();
    const holds = new AuditHolds(db);
    await writeEvents(db, 700);
    await writeEvents(db, 1, { uuid: 'b', message: 'b 1', from: 2000 });
    await writeEvents(db, 1, { uuid: 'b', message: 'b 2', from: 2001 });
    await writeEvents(db, 1, { session_id: 'session00001', message: 's 1', from: 2002 });
    await writeEvents(db, 1, { session_id: 'session00001', message: 's 2', from: 2003 });
    await sealAll(db);
    await holds.place('case-17', held, HOLD);
    await reapAuditEvents(db, { maxAge: 0, maxEvents: 0 }, 5000);
    expect(await messagesOf(db)).toEqual(kept);
    const report = await verifyChain(db);
    expect(report).toMatchObject({ checked: kept.length, removed: 704 - kept.length, faults: [] });
    expect(await holds.release('case-17')).toBe(true);
    expect(await reapAuditEvents(db, { maxAge: 0 }, 5000)).toBe(kept.length);
    expect(await faultsOf(db)).toEqual([]);
  });

  it('refuses holds that are none', async () => {
    const holds = new AuditHolds(await databases.fresh());
    await expect(holds.place('a b', { uuid: 'a' }, HOLD)).rejects.toThrow(
      'name of a hold: give 1 to 64 letters',
    );
    await expect(holds.place('a', {}, HOLD)).rejects.toThrow('a hold of everything: name a console');
    await expect(holds.place('a', { from: 2, to: 1 }, HOLD)).rejects.toThrow('it ends before it begins');
    await expect(holds.place('a', { uuid: 'a' }, { ...HOLD, reason: ' ' })).rejects.toThrow(
      'reason: give 1 to 255',
    );
    await holds.place('a', { uuid: 'a' }, HOLD);
    await expect(holds.place('a', { uuid: 'b' }, HOLD)).rejects.toThrow('hold a exists already');
    expect(await holds.list()).toMatchObject([{ name: 'a', uuid: 'a', reason: 'case 17', held_by: 'alice' }]);
    expect(await holds.release('b')).toBe(false);
  });

  it('tells how far sinks are, and counts what was gone before they had it', async () => {
    const db = await databases.fresh();
    const [cursors, chain] = [new AuditCursors(db), new AuditChain(db)];
    await writeEvents(db, 4);
    await sealAll(db);
    const opened = await cursors.open('syslog');
    expect(opened).toMatchObject({ position: 4, delivered: 0, lost: 0 });
    await writeEvents(db, 10, { from: 2000 });
    await sealAll(db);
    const first = await cursors.delivered(opened, await chain.after(4, 3));
    expect(first).toMatchObject({ lost: 0, cursor: { position: 7, delivered: 3 } });
    await reapAuditEvents(db, { maxEvents: 5 }, 3000);
    expect(await cursors.states()).toMatchObject([{ sink: 'syslog', backlog: 7, waitingSince: 2005 }]);
    const second = await cursors.delivered(first.cursor, await chain.after(7, 100));
    expect(second).toMatchObject({ lost: 2, cursor: { position: 14, delivered: 8, lost: 2 } });
    expect(await cursors.states()).toMatchObject([{ backlog: 0, waitingSince: null, delivered: 8, lost: 2 }]);
    await expect(cursors.delivered(opened, await chain.after(10, 1))).rejects.toThrow(
      'audit sink syslog is served by another process too',
    );
  });
});
