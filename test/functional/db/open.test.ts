// SPDX-License-Identifier: Apache-2.0
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import type { Database, DatabaseConf } from '../../../src/db/database.js';
import { DatabaseError } from '../../../src/exception.js';
import { databasesOf, ENGINES } from '../../fixtures/database.js';
import { PASSWORD } from '../../fixtures/mariadb.js';

const pathOf = (conf: DatabaseConf): string => conf.connection.replace('sqlite:///', '');
const INSERT_USER = 'INSERT INTO users (name, password_hash, admin, created) VALUES (?, ?, 0, 0)';

describe.each(ENGINES)('a database on %s', (engine) => {
  const databases = databasesOf(engine);

  it('answers a ping until it is closed', async () => {
    const db = await databases.fresh();
    await db.ping();
    await db.close();
    await db.close();
    await expect(db.ping()).rejects.toThrow(DatabaseError);
  });

  it('tells a duplicate key from other faults', async () => {
    const db = await databases.fresh();
    await db.execute(INSERT_USER, ['alice', 'x']);
    await expect(db.execute(INSERT_USER, ['alice', 'secret-hash'])).rejects.toThrow(
      'a row with this key exists already',
    );
  });

  it('says nothing of the statement or its values in an error', async () => {
    const db = await databases.fresh();
    const fault = await db
      .execute('INSERT INTO nowhere VALUES (?)', ['s3cr3t'])
      .catch((error: unknown) => error);
    expect(fault).toBeInstanceOf(DatabaseError);
    expect(JSON.stringify(fault, Object.getOwnPropertyNames(fault))).not.toContain('s3cr3t');
    expect((fault as Error).cause).toBeUndefined();
  });

  it('counts the rows that a write matched', async () => {
    const db = await databases.fresh();
    await db.execute(INSERT_USER, ['alice', 'x']);
    expect(await db.execute("UPDATE users SET admin = 0 WHERE name = 'alice'")).toBe(1);
    expect(await db.execute("UPDATE users SET admin = 0 WHERE name = 'bob'")).toBe(0);
    expect(await db.execute('DELETE FROM users')).toBe(1);
  });

  it('makes the key file on the first start, for its owner only, and keeps it', async () => {
    const conf = await databases.empty();
    const first = await databases.open(conf);
    expect(statSync(conf.encryptionKeyFile).mode & 0o777).toBe(0o600);
    const text = readFileSync(conf.encryptionKeyFile, 'utf8');
    const second = await databases.open(conf, { sync: false });
    expect(readFileSync(conf.encryptionKeyFile, 'utf8')).toBe(text);
    expect(second.cipher.current).toBe(first.cipher.current);
  });

  it('refuses a key file that others may read', async () => {
    const conf = await databases.empty();
    await databases.open(conf);
    chmodSync(conf.encryptionKeyFile, 0o640);
    await expect(databases.open(conf)).rejects.toThrow(/mode 0640\); chmod 600/);
  });
});

describe('an SQLite database', () => {
  const databases = databasesOf('sqlite');
  const opening = async (conf: DatabaseConf): Promise<string> => {
    const fault = await databases.open(conf).catch((error: unknown) => error);
    expect(fault).toBeInstanceOf(DatabaseError);
    expect((fault as Error).message).not.toContain('\n');
    return (fault as Error).message;
  };

  it('is a file for its owner only, in WAL mode', async () => {
    const conf = await databases.empty();
    const db = await databases.open(conf);
    expect(statSync(pathOf(conf)).mode & 0o777).toBe(0o600);
    expect(await db.query('PRAGMA journal_mode')).toEqual([{ journal_mode: 'wal' }]);
  });

  it('may be named relative to the working folder, and keeps its keys beside it', async () => {
    const conf = await databases.empty();
    const path = relative(process.cwd(), pathOf(conf));
    await databases.open({ ...conf, connection: `sqlite:///${path}`, encryptionKeyFile: '' });
    expect(existsSync(join(dirname(pathOf(conf)), 'encryption.key'))).toBe(true);
  });

  it('names a folder that does not exist', async () => {
    const conf = await databases.empty();
    expect(await opening({ ...conf, connection: 'sqlite:////nonexistent/k.sqlite' })).toMatch(
      /SQLite database \/nonexistent\/k\.sqlite: the folder \/nonexistent does not exist; create it/,
    );
  });

  it('says so when the file is no database, or a damaged one', async () => {
    const conf = await databases.empty();
    writeFileSync(pathOf(conf), 'not a database at all, but long enough to be read as one '.repeat(100));
    expect(await opening(conf)).toMatch(/is not an SQLite database, or is damaged; restore it from a backup/);
    const other = await databases.empty();
    await (await databases.open(other)).close();
    truncateSync(pathOf(other), 9000);
    expect(await opening(other)).toMatch(/is damaged|is not an SQLite database/);
  });

  it('says so when the path is a folder', async () => {
    const conf = await databases.empty();
    mkdirSync(pathOf(conf));
    expect(await opening(conf)).toMatch(/cannot be opened/);
  });

  it('says so when its file is deleted or replaced under it', async () => {
    const conf = await databases.empty();
    const db = await databases.open(conf);
    await db.ping();
    copyFileSync(pathOf(conf), `${pathOf(conf)}.copy`);
    renameSync(pathOf(conf), `${pathOf(conf)}.away`);
    await expect(db.ping()).rejects.toThrow(/was removed or replaced while in use/);
    renameSync(`${pathOf(conf)}.copy`, pathOf(conf));
    await expect(db.ping()).rejects.toThrow(DatabaseError);
    renameSync(`${pathOf(conf)}.away`, pathOf(conf));
    await db.ping();
  });

  it('says so when another process holds it', async () => {
    const conf = await databases.empty();
    const db = await databases.open(conf);
    await db.query('PRAGMA busy_timeout = 50');
    const other = new DataSource({ type: 'better-sqlite3', database: pathOf(conf) });
    await other.initialize();
    await other.query('BEGIN IMMEDIATE');
    await expect(db.execute(INSERT_USER, ['a', 'x'])).rejects.toThrow(/is locked by another process/);
    await other.query('ROLLBACK');
    await other.destroy();
    expect(await db.execute(INSERT_USER, ['a', 'x'])).toBe(1);
  });

  it('says so when the disk is full, and works on when there is room again', async () => {
    const db = await databases.fresh();
    const [{ page_count: pages } = { page_count: 0 }] = await db.query<{ page_count: number }>(
      'PRAGMA page_count',
    );
    await db.query(`PRAGMA max_page_count = ${pages}`);
    const fill = async (): Promise<void> => {
      for (let row = 0; row < 500; row += 1) await db.execute(INSERT_USER, [`user${row}`, 'x'.repeat(250)]);
    };
    await expect(fill()).rejects.toThrow(/the disk is full; free some space/);
    await db.ping();
    await db.query(`PRAGMA max_page_count = ${pages + 1000}`);
    expect(await db.execute(INSERT_USER, ['later', 'x'])).toBe(1);
  });
});

describe('a MariaDB database', () => {
  const databases = databasesOf('mariadb', { ownServer: true });
  const fault = async (conf: DatabaseConf): Promise<string> => {
    const error = await databases.open(conf).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DatabaseError);
    const text = JSON.stringify(error, Object.getOwnPropertyNames(error));
    expect(text).not.toContain(PASSWORD);
    expect(text).not.toContain('wr0ng');
    return (error as Error).message;
  };

  it('is reached over TCP and over its socket, by both schemes', async () => {
    const server = databases.ownServer();
    const conf = await databases.empty();
    await databases.open(conf);
    await databases.open(
      { ...conf, connection: conf.connection.replace('mysql+pymysql:', 'mysql:') },
      { sync: false },
    );
    const schema = await server.createSchema();
    const connection = `mysql://kerbside:${encodeURIComponent(PASSWORD)}@localhost/${schema}?unix_socket=${server.socket}`;
    await databases.open({ ...conf, encryptionKeyFile: `${conf.encryptionKeyFile}2`, connection });
  });

  it('says which part of the way to it failed', async () => {
    const conf = await databases.empty();
    const { port } = databases.ownServer();
    const at = (user: string, where: string): DatabaseConf => ({
      ...conf,
      connection: `mysql://${user}@${where}`,
    });
    expect(await fault(at('kerbside:wr0ng', `127.0.0.1:${port}/x`))).toMatch(
      /"x" at 127\.0\.0\.1:\d+ refused user or/,
    );
    expect(await fault(at(`kerbside:${encodeURIComponent(PASSWORD)}`, `127.0.0.1:${port}/nosuch`))).toMatch(
      /does not let this user in|does not exist/,
    );
    expect(await fault(at('root', `127.0.0.1:${port}/nosuch`))).toMatch(/does not exist; create it/);
    expect(await fault(at('kerbside:wr0ng', '127.0.0.1:1/x'))).toMatch(
      /cannot be reached: connection refused/,
    );
    expect(await fault(at('kerbside:wr0ng', 'localhost/x?unix_socket=/nonexistent/s'))).toMatch(
      /no such socket/,
    );
    expect(await fault(at('kerbside:wr0ng', 'nosuchhost.invalid/x'))).toMatch(
      /cannot be reached: (unknown host|the host)/,
    );
  });

  it('is used again after the server went away, without an unhandled error', async () => {
    const db: Database = await databases.fresh();
    await Promise.all([1, 2, 3].map(() => db.ping()));
    await databases.ownServer().kill();
    await expect(db.ping()).rejects.toThrow(/cannot be reached|closed the connection/);
    await expect(db.execute(INSERT_USER, ['a', 'x'])).rejects.toThrow(DatabaseError);
    await databases.ownServer().restart();
    await db.ping();
    expect(await db.execute(INSERT_USER, ['a', 'x'])).toBe(1);
  });

  it('rides out a connection that the server closed', async () => {
    const db = await databases.fresh();
    await db.ping();
    const rows = (await databases.ownServer().admin('SHOW PROCESSLIST')) as { Id: number; User: string }[];
    for (const { Id, User } of rows) if (User === 'kerbside') await databases.ownServer().admin(`KILL ${Id}`);
    await db.ping();
  });
});
