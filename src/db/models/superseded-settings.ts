// SPDX-License-Identifier: Apache-2.0
// Columns of sources and consoles that `settings` has superseded: kept, so that a database can go back to the version
// before, and read and written by nobody.

/** The columns, in a row. */
export interface SupersededSettings {
  pacing_mode: string | null;
  message_screen: string | null;
}

/** The columns, as TypeORM knows them. */
export const SUPERSEDED_SETTINGS = {
  pacing_mode: { type: 'varchar', length: 4, nullable: true },
  message_screen: { type: 'varchar', length: 3, nullable: true },
} as const;
