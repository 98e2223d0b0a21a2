// SPDX-License-Identifier: Apache-2.0
// [database]: where consoles, tokens, sessions and the audit live, and the key that seals the secrets among them.
import { dirname, join } from 'node:path';
import type { GroupSpec, Resolved } from './types.js';

const SQLITE = /^sqlite:\/\/\/(?<path>[^?]+)/;

function besideTheDatabase(resolved: Resolved): string {
  const path = SQLITE.exec(resolved('database', 'connection'))?.groups?.['path'];
  const folder =
    path === undefined || path === ':memory:' ? resolved('DEFAULT', 'state_path') : dirname(path);
  return join(folder, 'encryption.key');
}

/** The options of [database]. */
export const DATABASE_GROUP = {
  name: 'database',
  help: 'The database: embedded SQLite for one node, MySQL or MariaDB for several.',
  options: {
    connection: {
      type: 'string',
      default: 'sqlite:///$state_path/kerbside.sqlite',
      emptyIsDefault: true,
      pattern: {
        accepts: /^(sqlite:\/\/\/[^?]|mysql(\+pymysql)?:\/\/[^/]*\/[^/?])/,
        expected:
          'sqlite:////absolute/path, sqlite:///relative/path or mysql://user:password@host:port/database',
      },
      redact: 'url',
      help:
        'The database, as a URL: sqlite:////absolute/path or mysql://user:password@host:port/database ' +
        '(mysql+pymysql:// means the same). SQLite needs no server and serves one node; nodes that share their ' +
        'sessions need MySQL or MariaDB. "kerbside" brings the schema up to date by itself; for the separate ' +
        'programs run "kerbside-manage db sync" first. A password with reserved characters is percent-encoded.',
      deprecatedEnv: { name: 'SQL_URL' },
    },
    encryption_key_file: {
      type: 'path',
      default: '',
      derived: {
        shown: 'encryption.key beside the SQLite file, or $state_path/encryption.key',
        from: besideTheDatabase,
      },
      help:
        'The key that seals console tickets and source passwords in the database (AES-256-GCM). It is made with ' +
        'mode 0600 on the first start. Every node that shares the database needs the same file, and without it ' +
        'the sealed columns are lost: keep a copy apart from the backups of the database. ' +
        '"kerbside-manage encryption rotate" replaces it.',
    },
    max_pool_size: {
      type: 'integer',
      default: 10,
      min: 1,
      max: 1000,
      help:
        'Connections that one process keeps to MySQL or MariaDB at most. SQLite always has one. The sum over all ' +
        'processes must stay below max_connections of the server.',
    },
  },
} as const satisfies GroupSpec;
