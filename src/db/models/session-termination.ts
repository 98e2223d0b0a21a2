// SPDX-License-Identifier: Apache-2.0
// Table session_terminations: who terminated which session, and why.
import { EntitySchema } from 'typeorm';

/** One row of session_terminations. */
export interface SessionTerminationRow {
  session_id: string;
  requested_at: number;
  reason: string | null;
}

/** How TypeORM knows session_terminations; the migrations make the table. */
export const SessionTerminationModel = new EntitySchema<SessionTerminationRow>({
  name: 'SessionTermination',
  tableName: 'session_terminations',
  columns: {
    session_id: { type: 'varchar', length: 12, primary: true },
    requested_at: { type: 'double' },
    reason: { type: 'varchar', length: 255, nullable: true },
  },
});
