// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { AuditEvents } from '../../../src/objects/audit-event.js';
import { reapAuditEvents } from '../../../src/objects/audit-retention.js';
import { strangerAt } from '../../../src/objects/requester.js';
import { sealAll } from '../../fixtures/audit-trail.js';
import { databasesOf, ENGINES } from '../../fixtures/database.js';

/** What an event says of which no more is known than its text. */
const NOTHING_MORE = {
  ...{ issued_to: null, client_ip: null, service: null, requested_by: null },
  ...{ request_user: null, request_user_id: null, request_id: null, request_ip: null },
};

describe.each(ENGINES)('the audit trail on %s', (engine) => {
  const databases = databasesOf(engine);

  it('gives the newest events, oldest first, and how many there are in all', async () => {
    const audit = new AuditEvents(await databases.fresh(), { now: () => 1_800_000_000.123456 });
    for (let n = 1; n <= 7; n += 1) await audit.record({ source: 'lab', uuid: 'a', message: `event ${n}` });
    await audit.record({ source: 'lab', uuid: 'b', message: 'another console' });
    const { events, total } = await audit.list('lab', 'a', 3);
    expect(total).toBe(7);
    expect(events.map(({ message }) => message)).toEqual(['event 5', 'event 6', 'event 7']);
    expect(events[0]).toEqual({
      id: expect.any(Number),
      source: 'lab',
      uuid: 'a',
      session_id: null,
      channel: null,
      node: null,
      pid: null,
      timestamp: 1_800_000_000.123456,
      message: 'event 5',
      ...NOTHING_MORE,
    });
    expect(await audit.list('lab', 'nobody', 3)).toEqual({ events: [], total: 0 });
  });

  it('says whose session, from where, by which program, and who asked for it', async () => {
    const audit = new AuditEvents(await databases.fresh(), { service: 'kerbside-api' });
    const of = { source: 'lab', uuid: 'a', issued_to: 'ann', client_ip: '2001:db8::7', message: 'x' };
    const user = { name: 'bob', userId: 'u-1', projectId: 'p-1', requestId: 'req-1', address: '192.0.2.1' };
    await audit.recordMany([
      { ...of, by: { kind: 'user', ...user } },
      { ...of, by: strangerAt('192.0.2.2') },
      { ...of, by: { kind: 'operator', name: 'root' } },
      { ...of, by: { kind: 'notification' } },
      { ...of, by: { kind: 'service' } },
      { ...of, issued_to: '', client_ip: '' },
    ]);
    const { events } = await audit.list('lab', 'a', 10);
    const about = { ...NOTHING_MORE, issued_to: 'ann', client_ip: '2001:db8::7', service: 'kerbside-api' };
    const asked = {
      request_user: 'bob',
      request_user_id: 'u-1',
      request_id: 'req-1',
      request_ip: '192.0.2.1',
    };
    expect(events).toMatchObject([
      { ...about, requested_by: 'user', ...asked },
      { ...about, requested_by: 'user', request_ip: '192.0.2.2' },
      { ...about, requested_by: 'operator', request_user: 'root' },
      { ...about, requested_by: 'notification' },
      { ...about, requested_by: 'service' },
      { ...NOTHING_MORE, service: 'kerbside-api' },
    ]);
  });

  it('keeps any number of events of one microsecond, in the order in which they came', async () => {
    const audit = new AuditEvents(await databases.fresh(), { now: () => 5 });
    const entries = Array.from({ length: 450 }, (_, n) => ({ source: 'lab', uuid: 'a', message: `${n}` }));
    await audit.recordMany(entries);
    const { events, total } = await audit.list('lab', 'a', 450);
    expect(total).toBe(450);
    expect(events.map(({ message }) => message)).toEqual(entries.map(({ message }) => message));
    await audit.recordMany([]);
  });

  it('cuts what strangers made too long, and keeps all of Unicode', async () => {
    const audit = new AuditEvents(await databases.fresh());
    const uuid = 'u'.repeat(5000);
    await audit.record({
      source: 's'.repeat(300),
      uuid,
      session_id: 'ABCDEFGHIJKLMNOP',
      channel: 'main',
      node: 'n',
      pid: 12,
      message: `Hypervisor connection failed: ✗ ${'x'.repeat(20_000)}`,
      issued_to: 'i'.repeat(300),
      client_ip: `fe80::1%${'z'.repeat(99)}`,
      by: { ...strangerAt('a'.repeat(99), 'r'.repeat(99)), name: 'n'.repeat(300) },
    });
    const { events } = await audit.list('s'.repeat(255), uuid.slice(0, 36), 1);
    expect(events[0]).toMatchObject({ session_id: 'ABCDEFGHIJKL', channel: 'main', node: 'n', pid: 12 });
    expect(events[0]?.message).toHaveLength(8192);
    expect(events[0]).toMatchObject({ issued_to: 'i'.repeat(255), request_user: 'n'.repeat(255) });
    expect(events[0]?.client_ip).toHaveLength(45);
    expect(events[0]).toMatchObject({ request_id: 'r'.repeat(64), request_ip: 'a'.repeat(45) });
  });

  it('is kept by age and by count', async () => {
    const db = await databases.fresh();
    for (let n = 0; n < 12; n += 1) {
      const audit = new AuditEvents(db, { now: () => 1000 + n });
      await audit.recordMany(
        Array.from({ length: 100 }, () => ({ source: 'lab', uuid: 'a', message: `at ${n}` })),
      );
    }
    await sealAll(db);
    expect(await reapAuditEvents(db, {}, 1011)).toBe(0);
    expect(await reapAuditEvents(db, { maxAge: 5 }, 1011)).toBe(600);
    expect(await reapAuditEvents(db, { maxEvents: 250 }, 1011)).toBe(350);
    const { events, total } = await new AuditEvents(db).list('lab', 'a', 1000);
    expect(total).toBe(250);
    expect(events[0]?.message).toBe('at 9');
  });
});
