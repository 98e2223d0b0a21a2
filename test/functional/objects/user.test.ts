// SPDX-License-Identifier: Apache-2.0
import { createHook } from 'node:async_hooks';
import { describe, expect, it } from '@jest/globals';
import { Conflict, InvalidInput } from '../../../src/exception.js';
import { Users } from '../../../src/objects/user.js';
import { databasesOf, ENGINES } from '../../fixtures/database.js';

describe.each(ENGINES)('local users on %s', (engine) => {
  const databases = databasesOf(engine);

  it('log in with their password and no other', async () => {
    const db = await databases.fresh();
    const users = new Users(db, { now: () => 7 });
    expect(await users.any()).toBe(false);
    expect(await users.create('alice', 'correct horse', { admin: true })).toEqual({
      name: 'alice',
      admin: true,
      created: 7,
    });
    expect(await users.any()).toBe(true);
    expect(await users.verify('alice', 'correct horse')).toEqual({
      ...{ name: 'alice', admin: true, created: 7 },
      groups: [],
    });
    expect(await users.join('helpdesk', 'alice')).toBe(true);
    expect(await users.join('helpdesk', 'alice')).toBe(false);
    expect((await users.verify('alice', 'correct horse'))?.groups).toEqual(['helpdesk']);
    expect((await users.members({ limit: 1 })).items).toEqual([{ group: 'helpdesk', user: 'alice' }]);
    expect(await users.leave('helpdesk', 'alice')).toBe(true);
    expect(await users.leave('helpdesk', 'alice')).toBe(false);
    await expect(users.join('helpdesk', 'nobody')).rejects.toThrow('there is no user nobody');
    await expect(users.join(' x', 'alice')).rejects.toThrow('group name');
    expect(await users.verify('alice', 'correct horse ')).toBeNull();
    expect(await users.verify('Alice', 'correct horse')).toBeNull();
    expect(await users.verify('nobody', '')).toBeNull();
    expect(await users.verify('alice', 'x'.repeat(5000))).toBeNull();
    const rows = await db.query<{ password_hash: string }>('SELECT password_hash FROM users');
    expect(rows[0]?.password_hash).toMatch(/^\$scrypt\$ln=15,r=8,p=1\$/);
  });

  it('cost the same work to refuse when there is no such user', async () => {
    const users = new Users(await databases.fresh());
    await users.create('alice', 'secret', { admin: false });
    let hashes = 0;
    const hook = createHook({ init: (_id, type) => (hashes += type === 'SCRYPTREQUEST' ? 1 : 0) });
    const costOf = async (name: string): Promise<number> => {
      hashes = 0;
      expect(await users.verify(name, 'wrong')).toBeNull();
      return hashes;
    };
    hook.enable();
    try {
      expect([await costOf('alice'), await costOf('mallory')]).toEqual([1, 1]);
    } finally {
      hook.disable();
    }
  });

  it('have one name each, which a person can read', async () => {
    const users = new Users(await databases.fresh());
    await users.create('alice', 'x', { admin: false });
    await expect(users.create('alice', 'y', { admin: true })).rejects.toThrow(Conflict);
    for (const name of ['', ' alice', 'a\nb', 'x'.repeat(256)]) {
      await expect(users.create(name, 'x', { admin: false })).rejects.toThrow(InvalidInput);
    }
    await expect(users.create('bob', '', { admin: false })).rejects.toThrow('password: empty');
  });

  it('change their password, are listed and removed', async () => {
    const users = new Users(await databases.fresh());
    await users.create('bob', 'old', { admin: false });
    await users.create('alice', 'x', { admin: true });
    expect(await users.setPassword('bob', 'new')).toBe(true);
    expect(await users.setPassword('nobody', 'new')).toBe(false);
    expect(await users.verify('bob', 'old')).toBeNull();
    expect((await users.verify('bob', 'new'))?.admin).toBe(false);
    expect((await users.list({ limit: 1 })).items.map(({ name }) => name)).toEqual(['alice']);
    expect((await users.list({ limit: 1, marker: 'alice' })).items.map(({ name }) => name)).toEqual(['bob']);
    expect(await users.remove('bob')).toBe(true);
    expect(await users.remove('bob')).toBe(false);
  });

  it('are created in groups, once each, and leave them when they go', async () => {
    const db = await databases.fresh();
    const users = new Users(db);
    await users.create('alice', 'x', { admin: false, groups: ['staff', 'helpdesk', 'staff'] });
    await users.create('bob', 'x', { admin: false, groups: ['staff'] });
    expect((await users.verify('alice', 'x'))?.groups).toEqual(['helpdesk', 'staff']);
    // Page by page, with the border in the middle of a group.
    const first = await users.members({ limit: 2 });
    expect(first.items).toEqual([
      { group: 'helpdesk', user: 'alice' },
      { group: 'staff', user: 'alice' },
    ]);
    const rest = await users.members({ limit: 2, marker: first.next! });
    expect(rest).toMatchObject({ items: [{ group: 'staff', user: 'bob' }], next: null });
    await expect(users.members({ limit: 2, marker: 'staff' })).rejects.toThrow('marker');
    await users.remove('alice');
    expect((await users.members({ limit: 9 })).items).toEqual([{ group: 'staff', user: 'bob' }]);
    // Whoever gets the name later gets no group with it.
    await users.create('alice', 'y', { admin: false });
    expect((await users.verify('alice', 'y'))?.groups).toEqual([]);
  });

  it('are in a bounded number of groups, and in none that cannot be read', async () => {
    const users = new Users(await databases.fresh());
    await users.create('alice', 'x', { admin: false, groups: ['a'] });
    const many = Array.from({ length: 200 }, (_, n) => `group-${String(n)}`);
    await expect(users.create('bob', 'x', { admin: false, groups: many })).rejects.toThrow('at most');
    for (const group of ['', ' a', 'a\nb', 'x'.repeat(300)]) {
      await expect(users.join(group, 'alice')).rejects.toThrow('group name');
      await expect(users.create('carol', 'x', { admin: false, groups: [group] })).rejects.toThrow(
        'group name',
      );
    }
    expect((await users.list({ limit: 9 })).items.map(({ name }) => name)).toEqual(['alice']);
  });
});
