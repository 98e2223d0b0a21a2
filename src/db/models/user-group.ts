// SPDX-License-Identifier: Apache-2.0
// Table user_groups: which local users are in which groups.
import { EntitySchema } from 'typeorm';

/** One row of user_groups. */
export interface UserGroupRow {
  group_name: string;
  user_name: string;
}

/** How TypeORM knows user_groups; the migrations make the table. */
export const UserGroupModel = new EntitySchema<UserGroupRow>({
  name: 'UserGroup',
  tableName: 'user_groups',
  columns: {
    group_name: { type: 'varchar', length: 64, primary: true },
    user_name: { type: 'varchar', length: 255, primary: true },
  },
  indices: [{ name: 'user_groups_user', columns: ['user_name', 'group_name'] }],
});
