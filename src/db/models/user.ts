// SPDX-License-Identifier: Apache-2.0
// Table users: local users. `password_hash` is scrypt's.
import { EntitySchema } from 'typeorm';

/** One row of users. */
export interface UserRow {
  name: string;
  password_hash: string;
  admin: number;
  created: number;
}

/** How TypeORM knows users; the migrations make the table. */
export const UserModel = new EntitySchema<UserRow>({
  name: 'User',
  tableName: 'users',
  columns: {
    name: { type: 'varchar', length: 255, primary: true },
    password_hash: { type: 'varchar', length: 255 },
    admin: { type: 'smallint' },
    created: { type: 'double' },
  },
});
