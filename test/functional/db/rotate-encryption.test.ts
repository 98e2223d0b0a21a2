// SPDX-License-Identifier: Apache-2.0
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import type { Database, DatabaseConf } from '../../../src/db/database.js';
import { keyIdOf } from '../../../src/db/encryption.js';
import { readKeyFile } from '../../../src/db/key-file.js';
import { rotateEncryption } from '../../../src/db/rotate-encryption.js';
import { Consoles } from '../../../src/objects/console.js';
import { Sources } from '../../../src/objects/source.js';
import { delay, waitFor } from '../../fixtures/program.js';
import { databasesOf, ENGINES, overheard } from '../../fixtures/database.js';
import { aConsole } from '../../fixtures/rows.js';

const QUICK = { settleMs: 20 };
const MANY = 1200;
const found = Array.from({ length: MANY }, (_, n) => aConsole({ uuid: `u${n}`, ticket: `ticket ${n}` }));

async function aSite(db: Database): Promise<void> {
  await new Sources(db).upsert({ name: 'lab', type: 'ovirt', password: 'pw' });
  await new Consoles(db).reconcile('lab', found);
}

async function keysInUse(db: Database): Promise<(string | null)[]> {
  const tickets = await db.query<{ ticket: string }>('SELECT ticket FROM consoles WHERE ticket IS NOT NULL');
  const passwords = await db.query<{ password: string }>(
    'SELECT password FROM sources WHERE password IS NOT NULL',
  );
  const sealed = [...tickets.map(({ ticket }) => ticket), ...passwords.map(({ password }) => password)];
  return [...new Set(sealed.map(keyIdOf))];
}

const idsIn = (conf: DatabaseConf): string[] =>
  (readKeyFile(conf.encryptionKeyFile) ?? []).map(({ id }) => id);

describe.each(ENGINES)('rotation of the encryption key on %s', (engine) => {
  const databases = databasesOf(engine);

  it('encrypts every value anew, drops the old key, and everything reads as before', async () => {
    const conf = await databases.empty();
    const db = await databases.open(conf);
    await aSite(db);
    const [old] = idsIn(conf);
    const { keyId, values } = await rotateEncryption(db, QUICK);
    expect(keyId).not.toBe(old);
    expect(values).toBe(MANY + 1);
    expect(await keysInUse(db)).toEqual([keyId]);
    expect(idsIn(conf)).toEqual([keyId]);
    expect(statSync(conf.encryptionKeyFile).mode & 0o777).toBe(0o600);
    const reopened = await databases.open(conf);
    expect((await new Consoles(reopened).connectInfo('lab', 'u77'))?.ticket).toBe('ticket 77');
    expect(await new Sources(reopened).password('lab')).toBe('pw');
    expect((await rotateEncryption(reopened, QUICK)).values).toBe(MANY + 1);
  });

  it('leaves a running service reading and writing', async () => {
    const conf = await databases.empty();
    const service = await databases.open(conf);
    await aSite(service);
    const manage = await databases.open(conf, { sync: false });
    let [running, turns] = [true, 0];
    const consoles = new Consoles(service);
    const work = async (): Promise<void> => {
      for (; running; turns += 1) {
        expect((await consoles.connectInfo('lab', 'u5'))?.ticket).toMatch(/^ticket 5/);
        const changed = found.slice(0, 20).map((one) => ({ ...one, ticket: `${one.ticket} ${turns}` }));
        await consoles.reconcile('other', changed);
        await delay(5);
      }
    };
    const working = work();
    // A fault of its work ends the wait.
    const oneMore = async (): Promise<unknown> => {
      const before = turns;
      return Promise.race([working, waitFor('more work', () => turns > before + 1)]);
    };
    await oneMore();
    const { keyId } = await rotateEncryption(manage, { settleMs: 200 });
    await oneMore();
    running = false;
    await working;
    expect(service.cipher.current).toBe(keyId);
    expect(await keysInUse(service)).toEqual([keyId]);
  });

  it('goes on where it was interrupted, with the key that it had made', async () => {
    const conf = await databases.empty();
    const db = await databases.open(conf);
    await aSite(db);
    let writes = 0;
    const dying = overheard(db, (_sql, _parameters, isWrite) => {
      if (isWrite) writes += 1;
      if (writes > 300) throw new Error('killed');
    });
    await expect(rotateEncryption(dying, QUICK)).rejects.toThrow('killed');
    expect(idsIn(conf)).toHaveLength(2);
    expect(await keysInUse(db)).toHaveLength(2);
    // A service that starts in between reads the old values and the new ones.
    const service = await databases.open(conf);
    for (const uuid of ['u1', 'u1199']) {
      expect((await new Consoles(service).connectInfo('lab', uuid))?.ticket).toBe(`ticket ${uuid.slice(1)}`);
    }
    const { keyId, values } = await rotateEncryption(service, QUICK);
    expect(values).toBeLessThan(MANY);
    expect(idsIn(conf)).toEqual([keyId]);
    expect(await keysInUse(db)).toEqual([keyId]);
  });

  it('can prepare a key first, which other nodes get before it is used', async () => {
    const conf = await databases.empty();
    const db = await databases.open(conf);
    await aSite(db);
    const { keyId } = await rotateEncryption(db, { prepareOnly: true });
    expect(idsIn(conf)).toHaveLength(2);
    expect((await rotateEncryption(db, { prepareOnly: true })).keyId).toBe(keyId);
    expect(await keysInUse(db)).not.toContain(keyId);
    expect((await rotateEncryption(db, QUICK)).keyId).toBe(keyId);
    expect(await keysInUse(db)).toEqual([keyId]);
  });

  it('on one node is named to another that lacks the key', async () => {
    const conf = await databases.empty();
    const db = await databases.open(conf);
    await aSite(db);
    const elsewhere = { ...conf, encryptionKeyFile: `${conf.encryptionKeyFile}.b` };
    writeFileSync(elsewhere.encryptionKeyFile, readFileSync(conf.encryptionKeyFile), { mode: 0o600 });
    const other = await databases.open(elsewhere);
    const { keyId } = await rotateEncryption(db, QUICK);
    const fault = `encryption key ${keyId} is not in ${elsewhere.encryptionKeyFile}; copy the key file`;
    await expect(new Consoles(other).connectInfo('lab', 'u1')).rejects.toThrow(fault);
    await expect(new Consoles(other).reconcile('x', found)).rejects.toThrow(fault);
    writeFileSync(elsewhere.encryptionKeyFile, readFileSync(conf.encryptionKeyFile));
    expect((await new Consoles(other).connectInfo('lab', 'u1'))?.ticket).toBe('ticket 1');
  });

  it('cannot be replaced by losing the key file: the start says what is missing', async () => {
    const conf = await databases.empty();
    const db = await databases.open(conf);
    await aSite(db);
    rmSync(conf.encryptionKeyFile);
    await expect(databases.open(conf)).rejects.toThrow(
      /is missing, but .* holds values encrypted with it; restore/,
    );
    const other = await databases.empty();
    await databases.open(other);
    const wrong = { ...conf, encryptionKeyFile: other.encryptionKeyFile };
    await expect(databases.open(wrong)).rejects.toThrow(/does not hold the key [0-9a-f]{8}, but/);
    await new Consoles(db).removeOfSource('lab');
    await new Sources(db).upsert({ name: 'lab', type: 'ovirt' });
    await databases.open(conf);
  });
});
