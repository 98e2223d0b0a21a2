// SPDX-License-Identifier: Apache-2.0
// Named queries on encryption_keys, for the agreement of all nodes on one key and for its rotation. Plain reads and
// writes of one table, by TypeORM's repository; asked for before whole batches of values.
import { IsNull, Not } from 'typeorm';
import { ConsoleModel } from '../models/console.js';
import { EncryptionKeyModel } from '../models/encryption-key.js';
import { SourceModel } from '../models/source.js';
import type { Statements } from '../statements.js';

/** Id of the key for new values; null when none was registered. */
export async function currentKeyId(db: Statements): Promise<string | null> {
  const newest = await db.table(EncryptionKeyModel).findOne({
    where: { retired: IsNull() },
    order: { created: 'DESC', key_id: 'ASC' },
  });
  return newest?.key_id ?? null;
}

/** Ids of all keys that are registered, retired ones included. */
export async function registeredKeyIds(db: Statements): Promise<{ id: string; retired: boolean }[]> {
  const rows = await db.table(EncryptionKeyModel).find();
  return rows.map(({ key_id, retired }) => ({ id: key_id, retired: retired !== null }));
}

/** Registers a key, unless it is there: being the newest, it is the current one from now on. */
export async function addKey(db: Statements, id: string, now: number): Promise<void> {
  const insert = db.table(EncryptionKeyModel).createQueryBuilder().insert().orIgnore();
  await insert.values({ key_id: id, created: now }).execute();
}

/** Marks every key but `current` as no longer needed. */
export async function retireKeysBut(db: Statements, current: string, now: number): Promise<void> {
  await db.table(EncryptionKeyModel).update({ key_id: Not(current), retired: IsNull() }, { retired: now });
}

/** Whether any value is encrypted. */
export async function holdsEncryptedRows(db: Statements): Promise<boolean> {
  return (
    (await db.table(ConsoleModel).existsBy({ ticket: Not(IsNull()) })) ||
    (await db.table(SourceModel).existsBy({ password: Not(IsNull()) }))
  );
}
