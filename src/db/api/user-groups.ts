// SPDX-License-Identifier: Apache-2.0
// Named queries on the groups of local users. Plain reads and writes of one table, by TypeORM's repository: they are given by
// hand, or once for a login, which takes 80 ms. One is a raw statement, which a repository cannot say.
import { MoreThan } from 'typeorm';
import { UserGroupModel, type UserGroupRow } from '../models/user-group.js';
import { insertIgnore } from '../statements.js';
import type { Statements } from '../statements.js';

/** Puts a user into a group; false: there already. */
export async function insertUserGroup(db: Statements, group: string, user: string): Promise<boolean> {
  const sql = `${insertIgnore(db.dialect)} INTO user_groups (group_name, user_name) VALUES (?, ?)`;
  return (await db.execute(sql, [group, user])) > 0;
}

/** Takes a user out of a group; false: not there. */
export async function deleteUserGroup(db: Statements, group: string, user: string): Promise<boolean> {
  const { affected } = await db.table(UserGroupModel).delete({ group_name: group, user_name: user });
  return affected === 1;
}

/** Takes a user out of all groups. */
export async function deleteGroupsOfUser(db: Statements, user: string): Promise<void> {
  await db.table(UserGroupModel).delete({ user_name: user });
}

/** The groups of a user by name. */
export async function listGroupsOfUser(db: Statements, user: string): Promise<string[]> {
  const rows = await db
    .table(UserGroupModel)
    .find({ where: { user_name: user }, order: { group_name: 'ASC' } });
  return rows.map(({ group_name }) => group_name);
}

/** Members after `marker` by group and user: the rest of its group, and then the groups after it. */
export async function listMembers(
  db: Statements,
  marker: { readonly group: string; readonly user: string },
  limit: number,
): Promise<UserGroupRow[]> {
  const order = { group_name: 'ASC', user_name: 'ASC' } as const;
  const table = db.table(UserGroupModel);
  const rest = await table.find({
    where: { group_name: marker.group, user_name: MoreThan(marker.user) },
    order,
    take: limit,
  });
  if (rest.length === limit) return rest;
  const later = await table.find({
    where: { group_name: MoreThan(marker.group) },
    order,
    take: limit - rest.length,
  });
  return [...rest, ...later];
}
