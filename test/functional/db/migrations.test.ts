// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { parseConnectionUrl } from '../../../src/db/connection-url.js';
import type { DatabaseConf } from '../../../src/db/database.js';
import { MIGRATIONS } from '../../../src/db/migrations/index.js';
import { dataSourceOptions, knownMigrations } from '../../../src/db/schema.js';
import { databaseNow } from '../../../src/db/statements.js';
import { AuditEvents } from '../../../src/objects/audit-event.js';
import { databasesOf, ENGINES } from '../../fixtures/database.js';

async function withSource<T>(
  conf: DatabaseConf,
  use: (source: DataSource) => Promise<T>,
  type?: 'mariadb',
): Promise<T> {
  const options = dataSourceOptions(parseConnectionUrl(conf.connection), 2, null);
  const source = new DataSource(
    options.type === 'mysql' && type !== undefined ? { ...options, type } : options,
  );
  await source.initialize();
  try {
    return await use(source);
  } finally {
    await source.destroy();
  }
}

describe.each(ENGINES)('migrations on %s', (engine) => {
  const databases = databasesOf(engine, { ownServer: true });

  it('are known under the names that TypeORM orders by', () => {
    expect(knownMigrations()).toHaveLength(MIGRATIONS.length);
    expect(knownMigrations()).toEqual(
      [...knownMigrations()].sort((a, b) => Number(a.slice(-13)) - Number(b.slice(-13))),
    );
  });

  it('make exactly the tables that the models describe', async () => {
    const conf = await databases.empty();
    await databases.open(conf);
    // TypeORM reads MariaDB's catalogue right only under that name.
    const drift = await withSource(conf, (source) => source.driver.createSchemaBuilder().log(), 'mariadb');
    expect(drift.upQueries.map(({ query }) => query)).toEqual([]);
  });

  it('can be taken back and run again', async () => {
    const conf = await databases.empty();
    await databases.open(conf);
    await withSource(conf, async (source) => {
      for (let left = MIGRATIONS.length; left > 0; left -= 1) {
        await source.undoLastMigration({ transaction: 'each' });
      }
      const tables = await source.query<{ n: number }[]>(
        engine === 'sqlite'
          ? "SELECT COUNT(*) AS n FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name <> 'schema_migrations'"
          : "SELECT COUNT(*) AS n FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name <> 'schema_migrations'",
      );
      expect(Number(tables[0]?.n)).toBe(0);
      await source.runMigrations({ transaction: 'each' });
    });
    await databases.open(conf, { sync: false });
  });

  it('finish what an interruption has left of them', async () => {
    const conf = await databases.empty();
    await databases.open(conf);
    // MySQL commits each statement by itself: all of them may have run without the migration being marked as done.
    await withSource(conf, async (source) => {
      if (engine === 'sqlite') await source.undoLastMigration({ transaction: 'each' });
      else await source.query('DELETE FROM schema_migrations');
      if (engine === 'mariadb') await source.query('ALTER TABLE consoles DROP COLUMN instance_locked');
      if (engine === 'mariadb') await source.query('DROP TABLE leases');
    });
    const db = await databases.open(conf);
    expect(await db.query('SELECT instance_event_at, instance_locked FROM consoles')).toEqual([]);
    expect(await db.query('SELECT name FROM leases')).toEqual([]);
  });

  it('keep what there was in the tables that they change', async () => {
    const conf = await databases.empty();
    const before = await databases.open(conf);
    await withSource(conf, (source) => source.undoLastMigration({ transaction: 'each' }));
    await before.execute(
      "INSERT INTO consoles (source, uuid, discovered, hypervisor, hypervisor_ip) VALUES ('s', 'u', 1, 'h', '')",
    );
    await before.execute(
      "INSERT INTO audit_events (source, uuid, timestamp, session_id, message) VALUES ('s', 'u', 1, 'before', 'Channel created')",
    );
    const after = await databases.open(conf);
    const { events } = await new AuditEvents(after).list('s', 'u', 5);
    expect(events).toMatchObject([
      {
        session_id: 'before',
        message: 'Channel created',
        issued_to: null,
        client_ip: null,
        requested_by: null,
      },
    ]);
    expect(
      await after.query('SELECT source, uuid, instance_event_at, instance_locked FROM consoles'),
    ).toEqual([{ source: 's', uuid: 'u', instance_event_at: null, instance_locked: null }]);
  });

  it('give every process the same clock, whatever the time zone of the server', async () => {
    if (engine === 'mariadb') await databases.ownServer().admin("SET GLOBAL time_zone = '+13:00'");
    const db = await databases.fresh();
    const [row] = await db.query<{ now: number }>(`SELECT ${databaseNow(db.dialect)} AS now`);
    if (engine === 'mariadb') await databases.ownServer().admin("SET GLOBAL time_zone = 'SYSTEM'");
    expect(Math.abs((row?.now ?? 0) - Date.now() / 1000)).toBeLessThan(2);
  });

  it('run once when several programs start at the same moment', async () => {
    const conf = await databases.empty();
    const opened = await Promise.all([1, 2, 3].map(() => databases.open(conf)));
    const rows = await opened[0]!.query('SELECT name FROM schema_migrations');
    expect(rows).toHaveLength(MIGRATIONS.length);
    expect(new Set(opened.map(({ cipher }) => cipher.current)).size).toBe(1);
  });

  it('compare text byte by byte: two names that differ in case are two rows', async () => {
    const db = await databases.fresh();
    const insert = 'INSERT INTO users (name, password_hash, admin, created) VALUES (?, ?, 0, 0)';
    await db.execute(insert, ['alice', 'x']);
    await db.execute(insert, ['Alice', 'x']);
    expect(await db.query('SELECT name FROM users WHERE name = ?', ['ALICE'])).toEqual([]);
  });

  it('keep any text that Unicode has', async () => {
    const db = await databases.fresh();
    const name = 'デスクトップ 🖥️ é';
    await db.execute('INSERT INTO users (name, password_hash, admin, created) VALUES (?, ?, 0, ?)', [
      name,
      'x',
      1.000001,
    ]);
    expect(await db.query('SELECT name, created FROM users')).toEqual([{ name, created: 1.000001 }]);
  });

  it('are demanded by name of the command when they have not run', async () => {
    const conf = await databases.empty();
    if (engine === 'sqlite') {
      await expect(databases.open(conf, { sync: false })).rejects.toThrow(
        /does not exist; run "kerbside-manage db sync"/,
      );
      await withSource(conf, () => Promise.resolve());
    }
    await expect(databases.open(conf, { sync: false })).rejects.toThrow(
      /has no schema yet; run "kerbside-manage db sync"/,
    );
  });

  it('of an older schema are named', async () => {
    const conf = await databases.empty();
    const db = await databases.open(conf);
    // As if one had run that is followed by one more: the newest is missing.
    await db.execute('DELETE FROM schema_migrations WHERE name = ?', [knownMigrations().at(-1) ?? '']);
    await db.execute("INSERT INTO schema_migrations (timestamp, name) VALUES (0, 'Initial0000000000000')");
    await expect(databases.open(conf, { sync: false })).rejects.toThrow(/newer schema|old schema/);
    await db.execute('DELETE FROM schema_migrations WHERE timestamp = 0');
    await expect(databases.open(conf, { sync: false })).rejects.toThrow(/run "kerbside-manage db sync"/);
  });

  it('of a newer release are refused, with or without sync', async () => {
    const conf = await databases.empty();
    const db = await databases.open(conf);
    await db.execute(
      "INSERT INTO schema_migrations (timestamp, name) VALUES (1999999999999, 'Later1999999999999')",
    );
    for (const sync of [true, false]) {
      await expect(databases.open(conf, { sync })).rejects.toThrow(
        /newer schema than this release knows \(Later1999999999999\).*kerbside-manage db sync/,
      );
    }
  });

  it('are told by version()', async () => {
    const db = await databases.fresh();
    const newest = knownMigrations().at(-1);
    expect(await db.version()).toMatchObject({
      dialect: engine === 'sqlite' ? 'sqlite' : 'mysql',
      schema: newest,
      latest: newest,
      server: expect.stringMatching(engine === 'sqlite' ? /^SQLite 3\./ : /MariaDB/),
    });
  });
});
