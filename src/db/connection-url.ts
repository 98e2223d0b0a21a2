// SPDX-License-Identifier: Apache-2.0
// `[database] connection` in SQLAlchemy's forms, as oslo.db and the original have them:
//   sqlite:////abs/path   sqlite:///rel/path
//   mysql://user:password@host:3306/name?charset=utf8mb4&unix_socket=/path   mysql+pymysql://…
// Pure: text in, target out. A message never repeats the URL, because the URL holds the password.
import { DatabaseError } from '../exception.js';
import { shownPath } from '../option-file.js';

export interface SqliteTarget {
  readonly dialect: 'sqlite';
  readonly path: string;
}

export interface MysqlTarget {
  readonly dialect: 'mysql';
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly name: string;
  /** Used instead of host and port when set. */
  readonly unixSocket: string | null;
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string } | null;
}

export type DatabaseTarget = SqliteTarget | MysqlTarget;

const FORMS = 'use sqlite:////absolute/path or mysql+pymysql://user:password@host:3306/name';
const MYSQL_PORT = 3306;
/** Accepted because oslo.db deployments carry them; the connection is always utf8mb4. */
const IGNORED_PARAMETERS = new Set([
  'charset',
  'connect_timeout',
  'read_timeout',
  'write_timeout',
  'binary_prefix',
  // SQLAlchemy's own: DevStack asks for its counter of statements so.
  'plugin',
]);
const MYSQL =
  /^(?:(?<user>[^:/@]*)(?::(?<password>[^@]*))?@)?(?<host>\[[^\]]*\]|[^/:?@]*)(?::(?<port>\d+))?(?:\/(?<name>[^?]*))?(?:\?(?<query>.*))?$/;

/**
 * Reads a connection URL.
 * @throws DatabaseError when the scheme or a part of it is not understood
 */
export function parseConnectionUrl(url: string): DatabaseTarget {
  const cut = url.indexOf('://');
  const scheme = cut < 0 ? '' : url.slice(0, cut);
  const rest = url.slice(cut + 3);
  switch (scheme) {
    case 'sqlite':
      return parseSqlite(rest);
    case 'mysql':
    case 'mysql+pymysql':
      return parseMysql(rest);
    case '':
      throw new DatabaseError(`[database] connection: no scheme; ${FORMS}`);
    default:
      // A scheme holds no secret, but a mistyped URL may have its password before the first "://".
      throw new DatabaseError(`[database] connection: unknown scheme "${safeScheme(scheme)}"; ${FORMS}`);
  }
}

/** Where the database is, without any secret, for messages. */
export function describeTarget(target: DatabaseTarget): string {
  if (target.dialect === 'sqlite') return `SQLite database ${shownPath(target.path)}`;
  const place = target.unixSocket ?? `${target.host}:${target.port}`;
  return `MySQL database "${target.name}" at ${place}`;
}

function safeScheme(scheme: string): string {
  return /^[A-Za-z][A-Za-z0-9+.-]{0,31}$/.test(scheme) ? scheme : '?';
}

function parseSqlite(rest: string): SqliteTarget {
  const path = rest.startsWith('/') ? (rest.slice(1).split('?', 1)[0] ?? '') : '';
  if (path === '' || path === ':memory:') {
    throw new DatabaseError('[database] connection: SQLite needs a file; use sqlite:////absolute/path');
  }
  return { dialect: 'sqlite', path };
}

function parseMysql(rest: string): MysqlTarget {
  const parts = MYSQL.exec(rest)?.groups;
  if (parts === undefined) {
    throw new DatabaseError(
      `[database] connection: not understood (is an @, : or / in the password percent-encoded?); ${FORMS}`,
    );
  }
  const name = decode(parts['name'] ?? '');
  if (name === '') throw new DatabaseError(`[database] connection: no database name; ${FORMS}`);
  const port = Number(parts['port'] ?? MYSQL_PORT);
  if (port < 1 || port > 65535)
    throw new DatabaseError('[database] connection: port out of range; use 1 to 65535');
  const host = (parts['host'] ?? '').replace(/^\[|\]$/g, '');
  return {
    dialect: 'mysql',
    host: host === '' ? 'localhost' : host,
    port,
    user: decode(parts['user'] ?? ''),
    password: decode(parts['password'] ?? ''),
    name,
    ...parseQuery(parts['query'] ?? ''),
  };
}

function parseQuery(query: string): Pick<MysqlTarget, 'unixSocket' | 'tls'> {
  let unixSocket: string | null = null;
  const tls: { ca?: string; cert?: string; key?: string } = {};
  for (const [key, value] of new URLSearchParams(query)) {
    if (key === 'unix_socket') unixSocket = value;
    else if (key === 'ssl_ca') tls.ca = value;
    else if (key === 'ssl_cert') tls.cert = value;
    else if (key === 'ssl_key') tls.key = value;
    else if (!IGNORED_PARAMETERS.has(key)) {
      throw new DatabaseError(
        `[database] connection: unknown parameter "${safeScheme(key)}"; use charset, unix_socket, ssl_ca, ssl_cert or ssl_key`,
      );
    }
  }
  return { unixSocket, tls: Object.keys(tls).length > 0 ? tls : null };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new DatabaseError('[database] connection: a percent sign that encodes nothing; write it as %25');
  }
}
