// SPDX-License-Identifier: Apache-2.0
// Table leases: which process does a task that one process at a time must do. Times are of the database's clock.
import { EntitySchema } from 'typeorm';

/** One row of leases. */
export interface LeaseRow {
  /** The task. */
  name: string;
  /** Who holds it: node and program. */
  holder: string;
  /** UUID of the holder's run. */
  run_id: string;
  acquired: number;
  /** From then on anybody may take it. */
  expires: number;
}

/** How TypeORM knows leases; the migrations make the table. */
export const LeaseModel = new EntitySchema<LeaseRow>({
  name: 'Lease',
  tableName: 'leases',
  columns: {
    name: { type: 'varchar', length: 64, primary: true },
    holder: { type: 'varchar', length: 255 },
    run_id: { type: 'varchar', length: 36 },
    acquired: { type: 'double' },
    expires: { type: 'double' },
  },
});
