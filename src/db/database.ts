// SPDX-License-Identifier: Apache-2.0
// The one door to the database: opens SQLite or MySQL/MariaDB, proves that the schema is the one this release
// was written for, and hands out statements. Nothing outside src/db imports TypeORM or a driver.

/** The group `[database]` as the programs pass it in. */
export interface DatabaseConf {
  /** sqlite:////abs/path, sqlite:///rel/path, mysql://… or mysql+pymysql://… */
  readonly connection: string;
  /** Path of the encryption key file; '' = `encryption.key` beside the SQLite file. */
  readonly encryptionKeyFile: string;
  /** Largest number of connections to a MySQL server. */
  readonly maxPoolSize: number;
}

/** What the database is, for `kerbside-manage db version` and `/healthcheck`. */
export interface DatabaseVersion {
  readonly dialect: Dialect;
  /** Name of the newest migration that has run; null on an empty database. */
  readonly schema: string | null;
  /** Name of the newest migration this release knows. */
  readonly latest: string;
  /** Version text of the engine. */
  readonly server: string;
}

export type Dialect = 'sqlite' | 'mysql';

/** An open database. All methods reject with DatabaseError when the engine is away or refuses. */
export interface Database {
  readonly dialect: Dialect;
  /** One cheap round trip; rejects with DatabaseError when the database cannot answer. */
  ping(): Promise<void>;
  version(): Promise<DatabaseVersion>;
  close(): Promise<void>;
}

export interface OpenOptions {
  /** true: run the missing migrations. false: refuse a schema that is not this release's. */
  readonly sync: boolean;
}

/**
 * Opens the database.
 * @throws DatabaseError (path or host, fault, remedy; never the password)
 */
export declare function openDatabase(conf: DatabaseConf, options: OpenOptions): Promise<Database>;
