// SPDX-License-Identifier: Apache-2.0
// What TypeORM's repositories give to the engine is under the same rules as every other statement.
import { describe, expect, it } from '@jest/globals';
import { DuplicateRow } from '../../../src/db/faults.js';
import { UserModel, type UserRow } from '../../../src/db/models/user.js';
import { databasesOf, ENGINES, overheard } from '../../fixtures/database.js';

const ANN: UserRow = { name: 'ann', password_hash: 'x', admin: 0, created: 1_900_000_000.25 };

describe.each(ENGINES)('a table on %s', (engine) => {
  const databases = databasesOf(engine);

  it('gives back the rows that it was given, and says what it changed', async () => {
    const users = (await databases.fresh()).table(UserModel);
    await users.insert(ANN);
    expect(await users.findOneBy({ name: 'ann' })).toEqual(ANN);
    expect(await users.update({ name: 'ann' }, { admin: 1 })).toMatchObject({ affected: 1 });
    expect(await users.update({ name: 'ann' }, { admin: 1 })).toMatchObject({ affected: 1 });
    expect(await users.update({ name: 'bob' }, { admin: 1 })).toMatchObject({ affected: 0 });
    expect(await users.find()).toEqual([{ ...ANN, admin: 1 }]);
    expect(await users.delete({ name: 'ann' })).toMatchObject({ affected: 1 });
    expect(await users.existsBy({ name: 'ann' })).toBe(false);
  });

  it('fails with our own faults, which hold no value of a row', async () => {
    const users = (await databases.fresh()).table(UserModel);
    await users.insert(ANN);
    const fault: unknown = await users
      .insert({ ...ANN, password_hash: 'secret' })
      .catch((error: unknown) => error);
    expect(fault).toBeInstanceOf(DuplicateRow);
    expect(String(fault)).not.toContain('secret');
  });

  it('is written to only while the check of its database passes', async () => {
    const db = await databases.fresh();
    let held = true;
    const users = db
      .guarded(() => {
        if (!held) throw new Error('the lease is lost');
      })
      .table(UserModel);
    await users.insert(ANN);
    held = false;
    await expect(users.delete({ name: 'ann' })).rejects.toThrow('the lease is lost');
    await expect(users.find()).rejects.toThrow('the lease is lost');
    expect(await db.table(UserModel).find()).toEqual([ANN]);
  });

  it('gives its statements where others are given, texts apart', async () => {
    const heard: [string, unknown[], boolean][] = [];
    const users = overheard(await databases.fresh(), (...statement) => heard.push(statement)).table(
      UserModel,
    );
    await users.insert(ANN);
    await users.findOneBy({ name: 'ann' });
    // TypeORM writes the numbers of a new row into the statement for SQLite.
    const texts = heard.map(([sql, values, writes]) => [
      /^\w+/.exec(sql)?.[0],
      values.filter((value) => typeof value === 'string'),
      writes,
    ]);
    expect(texts).toEqual([
      ['INSERT', ['ann', 'x'], true],
      ['SELECT', ['ann'], false],
    ]);
    for (const [sql] of heard) expect(sql).not.toContain('ann');
  });
});
