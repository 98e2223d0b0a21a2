// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { describeTarget, parseConnectionUrl } from '../../../src/db/connection-url.js';
import { DatabaseError } from '../../../src/exception.js';

const mysql = {
  dialect: 'mysql',
  host: 'db',
  port: 3306,
  user: 'u',
  password: 'p',
  name: 'k',
  unixSocket: null,
  tls: null,
};

describe('parseConnectionUrl', () => {
  it.each([
    ['sqlite:////var/lib/kerbside/k.sqlite', '/var/lib/kerbside/k.sqlite'],
    ['sqlite:///k.sqlite', 'k.sqlite'],
    ['sqlite:///./sub/k.sqlite?timeout=5', './sub/k.sqlite'],
  ])('reads %s as a file', (url, path) => {
    expect(parseConnectionUrl(url)).toEqual({ dialect: 'sqlite', path });
  });

  it.each([
    ['mysql://u:p@db/k', {}],
    ['mysql+pymysql://u:p@db:3307/k?charset=utf8', { port: 3307 }],
    ['mysql://u:p%40%3A%2F%25%3F@db/k', { password: 'p@:/%?' }],
    ['mysql://u:p/with#hash?@db/k', { password: 'p/with#hash?' }],
    ['mysql://u%40corp:p@db/k%20b', { user: 'u@corp', name: 'k b' }],
    ['mysql://u:p@[2001:db8::1]:3306/k', { host: '2001:db8::1' }],
    ['mysql://u:p@/k?unix_socket=/run/mysqld/s', { host: 'localhost', unixSocket: '/run/mysqld/s' }],
    ['mysql://db/k', { user: '', password: '' }],
    [
      'mysql://u:p@db/k?ssl_ca=/ca.pem&ssl_cert=/c&ssl_key=/k',
      { tls: { ca: '/ca.pem', cert: '/c', key: '/k' } },
    ],
  ])('reads %s', (url, change) => {
    expect(parseConnectionUrl(url)).toEqual({ ...mysql, ...change });
  });

  it.each([
    ['postgresql://u:s3cret@db/k', /unknown scheme "postgresql"; use sqlite:\/\/\/\//],
    ['mysql+mysqldb//u:s3cret@db/k', /no scheme/],
    ['s3cret@x://db/k', /unknown scheme "\?"/],
    ['', /no scheme/],
    ['sqlite://', /SQLite needs a file/],
    ['sqlite:///:memory:', /SQLite needs a file/],
    ['mysql://u:s3cret@db', /no database name/],
    ['mysql://u:s3cret@db:99999/k', /port out of range/],
    ['mysql://u:s3cret@x@db/k', /percent-encoded/],
    ['mysql://u:s3cret%zz@db/k', /a percent sign that encodes nothing/],
    ['mysql://u:s3cret@db/k?nonsense=1', /unknown parameter "nonsense"/],
  ])('refuses %s without the password', (url, message) => {
    const fault = (): unknown => parseConnectionUrl(url);
    expect(fault).toThrow(DatabaseError);
    expect(fault).toThrow(message);
    expect(fault).not.toThrow(/s3cret/);
  });

  it('is described without the password', () => {
    expect(describeTarget(parseConnectionUrl('mysql://u:s3cret@db/k'))).toBe('MySQL database "k" at db:3306');
    expect(describeTarget(parseConnectionUrl('mysql://u:x@/k?unix_socket=/s'))).toBe(
      'MySQL database "k" at /s',
    );
    expect(describeTarget(parseConnectionUrl('sqlite:////a/k'))).toBe('SQLite database /a/k');
  });
});
