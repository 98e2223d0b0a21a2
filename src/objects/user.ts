// SPDX-License-Identifier: Apache-2.0
// Local users, for sites without Keystone. Passwords are kept as scrypt hashes.
import { randomBytes, scrypt as scryptCallback, timingSafeEqual } from 'node:crypto';
import type { ScryptOptions } from 'node:crypto';
import { promisify } from 'node:util';
import { deleteUser, findUser, insertUser, listUsers, updateUserPassword } from '../db/api/users.js';
import {
  deleteGroupsOfUser,
  deleteUserGroup,
  insertUserGroup,
  listGroupsOfUser,
  listMembers,
} from '../db/api/user-groups.js';
import type { Database } from '../db/database.js';
import { DuplicateRow } from '../db/faults.js';
import type { UserRow } from '../db/models/user.js';
import { Conflict, InvalidInput, NotFound } from '../exception.js';
import { systemClock } from './clock.js';
import type { Clock } from './clock.js';
import { pageOf } from './page.js';
import type { Page, PageRequest } from './page.js';

export interface User {
  name: string;
  admin: boolean;
  /** Epoch seconds. */
  created: number;
}

/** One user in one group. */
export interface Membership {
  readonly group: string;
  readonly user: string;
}

const scrypt = promisify<string, Buffer, number, ScryptOptions, Buffer>(scryptCallback);

/** RFC 7914: 32 MiB and some 80 ms a try, in libuv's threads. */
const COST = { N: 32768, r: 8, p: 1, maxmem: 64 * 1024 * 1024 } as const;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
const NAME = /^[^\s\p{C}](?:[^\p{C}]{0,253}[^\s\p{C}])?$/u;
/** As names of users, but short: a token carries all of a user's. */
const LONGEST_GROUP = 64;
const MOST_GROUPS = 25;
/** A longer password is no better and makes the server work. */
const LONGEST_PASSWORD = 1024;
/** What a try for an unknown user is compared with: no password has this hash. */
const NOBODY = encode(Buffer.alloc(SALT_BYTES), Buffer.alloc(HASH_BYTES));

/** The local users of this site. */
export class Users {
  private readonly db: Database;
  private readonly now: Clock;

  constructor(db: Database, options: { now?: Clock } = {}) {
    this.db = db;
    this.now = options.now ?? systemClock;
  }

  /** @throws Conflict when the name is taken, InvalidInput on a bad name, password or group */
  async create(
    name: string,
    password: string,
    options: { admin: boolean; groups?: readonly string[] },
  ): Promise<User> {
    const { groups = [] } = options;
    for (const group of groups) checkGroup(group);
    if (groups.length > MOST_GROUPS) throw tooManyGroups(name);
    if (!NAME.test(name))
      throw new InvalidInput('user name: 1 to 255 printing characters, no space at either end');
    const user = { name, admin: options.admin, created: this.now() };
    const row = {
      name,
      password_hash: await hash(password),
      admin: options.admin ? 1 : 0,
      created: user.created,
    };
    try {
      await insertUser(this.db, row);
    } catch (error) {
      if (error instanceof DuplicateRow) throw new Conflict(`user ${name} exists already`);
      throw error;
    }
    // Of an earlier user of this name, if its removal was interrupted.
    await deleteGroupsOfUser(this.db, name);
    for (const group of groups) await insertUserGroup(this.db, group, name);
    return user;
  }

  /** The user with their groups when the password is right, else null; takes as long for a user that does not exist. */
  async verify(
    name: string,
    password: string,
  ): Promise<(User & { readonly groups: readonly string[] }) | null> {
    const row = await findUser(this.db, name.slice(0, 255));
    const right = await matches(row?.password_hash ?? NOBODY, password.slice(0, LONGEST_PASSWORD + 1));
    if (row === null || !right || password.length > LONGEST_PASSWORD) return null;
    return { ...toUser(row), groups: await listGroupsOfUser(this.db, row.name) };
  }

  /** false: no such user. @throws InvalidInput on a bad password */
  async setPassword(name: string, password: string): Promise<boolean> {
    return updateUserPassword(this.db, name, await hash(password));
  }

  /** By name. */
  async list(page: PageRequest): Promise<Page<User>> {
    const rows = await listUsers(this.db, page.marker ?? '', page.limit + 1);
    return pageOf(rows, page.limit, toUser, ({ name }) => name);
  }

  /** The user's groups go with them. false: no such user. */
  async remove(name: string): Promise<boolean> {
    const removed = await deleteUser(this.db, name);
    await deleteGroupsOfUser(this.db, name);
    return removed;
  }

  /**
   * Puts a user into a group; a group is there while it has members. false: they are in it already.
   * @throws NotFound for an unknown user, InvalidInput on a bad name of a group or too many of them
   */
  async join(group: string, name: string): Promise<boolean> {
    checkGroup(group);
    if ((await findUser(this.db, name)) === null) throw new NotFound(`there is no user ${name}`);
    const groups = await listGroupsOfUser(this.db, name);
    if (groups.includes(group)) return false;
    if (groups.length >= MOST_GROUPS) throw tooManyGroups(name);
    return insertUserGroup(this.db, group, name);
  }

  /** Takes a user out of a group; false: they are not in it. */
  leave(group: string, name: string): Promise<boolean> {
    return deleteUserGroup(this.db, group, name);
  }

  /** Who is in which group, by group and user. @throws InvalidInput for a marker that is none */
  async members(page: PageRequest): Promise<Page<Membership>> {
    const marker = memberMarker(page.marker);
    const rows = await listMembers(this.db, marker, page.limit + 1);
    return pageOf(
      rows,
      page.limit,
      ({ group_name: group, user_name: user }) => ({ group, user }),
      ({ group_name, user_name }) => JSON.stringify([group_name, user_name]),
    );
  }

  /** Whether any local user exists. */
  async any(): Promise<boolean> {
    return (await listUsers(this.db, '', 1)).length > 0;
  }
}

function checkGroup(group: string): void {
  if (NAME.test(group) && group.length <= LONGEST_GROUP) return;
  throw new InvalidInput(
    `group name: 1 to ${LONGEST_GROUP} printing characters, no space at either end; got ${JSON.stringify(group.slice(0, LONGEST_GROUP))}`,
  );
}

function tooManyGroups(name: string): InvalidInput {
  return new InvalidInput(`user ${name}: at most ${MOST_GROUPS} groups; take them out of one first`);
}

function memberMarker(marker: string | undefined): { group: string; user: string } {
  if (marker === undefined) return { group: '', user: '' };
  try {
    const [group, user] = JSON.parse(marker) as unknown[];
    if (typeof group === 'string' && typeof user === 'string') return { group, user };
  } catch {
    // Said below.
  }
  throw new InvalidInput('marker: not one of this listing; use the one that the last page gave');
}

function toUser(row: Omit<UserRow, 'password_hash'>): User {
  return { name: row.name, admin: row.admin !== 0, created: row.created };
}

async function hash(password: string): Promise<string> {
  if (password === '') throw new InvalidInput('password: empty; give one');
  if (password.length > LONGEST_PASSWORD) {
    throw new InvalidInput(`password: too long; at most ${LONGEST_PASSWORD} characters`);
  }
  const salt = randomBytes(SALT_BYTES);
  return encode(salt, await scrypt(password.normalize('NFC'), salt, HASH_BYTES, COST));
}

function encode(salt: Buffer, hashed: Buffer): string {
  return `$scrypt$ln=15,r=8,p=1$${salt.toString('base64url')}$${hashed.toString('base64url')}`;
}

async function matches(encoded: string, password: string): Promise<boolean> {
  const parts = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([\w-]+)\$([\w-]+)$/.exec(encoded);
  if (parts === null) return false;
  const [ln, r, p] = [Number(parts[1]), Number(parts[2]), Number(parts[3])];
  const expected = Buffer.from(parts[5] ?? '', 'base64url');
  const options = { N: 2 ** ln, r, p, maxmem: COST.maxmem };
  const salt = Buffer.from(parts[4] ?? '', 'base64url');
  const given = await scrypt(password.normalize('NFC'), salt, expected.length, options);
  return timingSafeEqual(given, expected);
}
