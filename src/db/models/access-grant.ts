// SPDX-License-Identifier: Apache-2.0
// Table access_grants: the lists of access that hold for consoles, a row for each of their names. A list is called by what is in it,
// so that it never changes.
import { EntitySchema } from 'typeorm';

/** One row of access_grants. */
export interface AccessGrantRow {
  /** Which list: consoles.access_id. */
  access_id: string;
  /** As objects/access-list.ts writes it. */
  principal: string;
  role: string;
}

/** How TypeORM knows access_grants; the migrations make the table. */
export const AccessGrantModel = new EntitySchema<AccessGrantRow>({
  name: 'AccessGrant',
  tableName: 'access_grants',
  columns: {
    access_id: { type: 'varchar', length: 32, primary: true },
    principal: { type: 'varchar', length: 264, primary: true },
    role: { type: 'varchar', length: 8 },
  },
  indices: [{ name: 'access_grants_principal', columns: ['principal', 'access_id', 'role'] }],
});
