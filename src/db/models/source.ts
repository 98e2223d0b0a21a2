// SPDX-License-Identifier: Apache-2.0
// Table sources: what sources.yaml says, and how the last discovery went. `password` is encrypted.
import { EntitySchema } from 'typeorm';
import { SUPERSEDED_SETTINGS, type SupersededSettings } from './superseded-settings.js';

/** One row of sources. */
export interface SourceRow {
  name: string;
  type: string;
  last_seen: number | null;
  seen_by: string | null;
  errored: number;
  error: string | null;
  url: string | null;
  ca_cert: string | null;
  username: string | null;
  password: string | null;
  project_name: string | null;
  user_domain_id: string | null;
  project_domain_id: string | null;
  deleted: number;
  /** Settings of the driver without a column of their own, as a JSON object; null = none. No secrets. */
  options: string | null;
  /** What it says for itself, as a JSON object of objects/own-settings.ts; null: nothing. */
  settings: string | null;
}

/** How TypeORM knows sources; the migrations make the table. */
export const SourceModel = new EntitySchema<SourceRow & SupersededSettings>({
  name: 'Source',
  tableName: 'sources',
  columns: {
    name: { type: 'varchar', length: 255, primary: true },
    type: { type: 'varchar', length: 20 },
    last_seen: { type: 'double', nullable: true },
    seen_by: { type: 'varchar', length: 255, nullable: true },
    errored: { type: 'smallint' },
    error: { type: 'varchar', length: 1024, nullable: true },
    url: { type: 'varchar', length: 1024, nullable: true },
    ca_cert: { type: 'text', nullable: true },
    username: { type: 'varchar', length: 255, nullable: true },
    password: { type: 'varchar', length: 2048, nullable: true },
    project_name: { type: 'varchar', length: 255, nullable: true },
    user_domain_id: { type: 'varchar', length: 255, nullable: true },
    project_domain_id: { type: 'varchar', length: 255, nullable: true },
    deleted: { type: 'smallint' },
    options: { type: 'text', nullable: true },
    ...SUPERSEDED_SETTINGS,
    settings: { type: 'text', nullable: true },
  },
});
