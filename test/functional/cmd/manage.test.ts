// SPDX-License-Identifier: Apache-2.0
// kerbside-manage and kerbside-status on SQLite, as an operator and a script use them.
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openDatabase } from '../../fixtures/open-database.js';
import { verifyToken } from '../../../src/identity/jwt.js';
import { AuditEvents } from '../../../src/objects/audit-event.js';
import { ConsoleTokens, hashToken } from '../../../src/objects/console-token.js';
import { Consoles } from '../../../src/objects/console.js';
import { Services } from '../../../src/objects/service.js';
import { Sources } from '../../../src/objects/source.js';
import { Users } from '../../../src/objects/user.js';
import type { Database } from '../../../src/objects/database.js';
import type { ProgramResult } from '../../fixtures/program.js';
import { aConsole } from '../../fixtures/rows.js';
import { sessionNouns } from '../../fixtures/session-nouns.js';
import { runOnTerminal } from '../../fixtures/terminal.js';
import { parseVvFile } from '../../fixtures/vv-file.js';
import { Site } from './site.js';

const site = new Site();
beforeAll(async () => {
  expect(await manage('db', 'sync')).toMatchObject({ status: 0, stderr: '' });
});
afterAll(() => site.close());

function manage(...args: string[]): Promise<ProgramResult> {
  return site.run('manage', args);
}

/** Works with the site's database as another process. */
async function withDatabase<T>(work: (db: Database) => Promise<T>): Promise<T> {
  const connection = `sqlite:///${join(site.folder, 'kerbside.sqlite')}`;
  const encryptionKeyFile = join(site.folder, 'encryption.key');
  const db = await openDatabase({ connection, encryptionKeyFile, maxPoolSize: 1 }, { sync: false });
  try {
    return await work(db);
  } finally {
    await db.close();
  }
}

describe('kerbside-manage with half a command', () => {
  it.each([[[]], [['user']], [['console']], [['certificate']]])(
    'prints the help of %j, and fails',
    async (words) => {
      const result = await manage(...words);
      expect([result.status, result.stdout]).toEqual([1, '']);
      expect(result.stderr).toContain(
        `Usage: ${['kerbside-manage', ...words].join(' ')} [options] [command]`,
      );
    },
  );
});

describe('kerbside-manage before there is a database', () => {
  it('asks for db sync', async () => {
    const env = { OS_DATABASE__CONNECTION: `sqlite:///${site.folder}/absent.sqlite` };
    const result = await site.run('manage', ['user', 'list'], env);
    expect(result.status).toBe(1);
    expect(result.stderr).toContain('run "kerbside-manage db sync"');
  });

  it('prints the sample configuration', async () => {
    const result = await manage('config', 'generate');
    expect(result.stdout).toBe(readFileSync('etc/kerbside/kerbside.conf.sample', 'utf8'));
  });
});

describe('kerbside-manage', () => {
  it('syncs again without harm and tells the version', async () => {
    expect((await manage('db', 'sync')).status).toBe(0);
    expect((await manage('db', 'version')).stdout).toMatch(
      /^schema \S+, this release \S+, server SQLite 3\./,
    );
  });

  it('creates, lists and deletes users', async () => {
    const file = join(site.folder, 'password');
    writeFileSync(file, 'correct horse battery\n');
    expect((await manage('user', 'create', 'alice', '--admin', '--password-file', file)).stdout).toContain(
      'alice',
    );
    const again = await manage('user', 'create', 'alice', '--password-file', file);
    expect([again.status, again.stderr]).toEqual([
      1,
      expect.stringMatching(/^kerbside-manage: .*alice.*\n$/),
    ]);
    expect((await manage('user', 'list')).stdout).toMatch(/\| alice +\| true +\|/);
    const listed = JSON.parse((await manage('user', 'list', '--format', 'json')).stdout) as unknown;
    expect(listed).toEqual([{ name: 'alice', admin: true, created: expect.any(Number) }]);
    expect((await manage('user', 'delete', 'alice')).status).toBe(0);
    expect(await manage('user', 'delete', 'alice')).toMatchObject({
      status: 1,
      stderr: 'kerbside-manage: there is no user alice\n',
    });
  });

  it('puts users into groups, takes them out, and shows who is left', async () => {
    const file = join(site.folder, 'group-password');
    writeFileSync(file, 'correct horse battery\n');
    const made = await manage(
      ...['user', 'create', 'gina', '--group', 'helpdesk', '--group', 'staff', '--password-file', file],
    );
    expect([made.status, made.stdout]).toEqual([0, 'user gina created, in helpdesk, staff\n']);
    expect((await manage('group', 'add', 'night shift', 'gina')).stdout).toMatch(
      /^user gina is in group night shift now; API tokens .* until they expire\n$/,
    );
    expect((await manage('group', 'remove', 'staff', 'gina')).status).toBe(0);
    expect(JSON.parse((await manage('group', 'list', '--format', 'json')).stdout)).toEqual([
      { group: 'helpdesk', user: 'gina' },
      { group: 'night shift', user: 'gina' },
    ]);
  });

  it.each([
    [['add', 'helpdesk', 'nobody'], 'there is no user nobody'],
    [['remove', 'helpdesk', 'nobody'], 'user nobody is not in group helpdesk'],
    [['add', ' x', 'nobody'], 'group name: 1 to 64 printing characters, no space at either end; got " x"'],
  ])('says why group %j fails', async (words, why) => {
    expect(await manage('group', ...words)).toMatchObject({
      status: 1,
      stdout: '',
      stderr: `kerbside-manage: ${why}\n`,
    });
  });

  it('sets a password, and leaves the user as it was', async () => {
    const file = join(site.folder, 'new-password');
    writeFileSync(file, 'first\n');
    await manage('user', 'create', 'carol', '--admin', '--password-file', file);
    writeFileSync(file, 'second\n');
    expect((await manage('user', 'password', 'carol', '--password-file', file)).stdout).toBe(
      'user carol has a new password; API tokens that were issued before stay valid until they expire\n',
    );
    await withDatabase(async (db) => {
      expect(await new Users(db).verify('carol', 'first')).toBeNull();
      expect(await new Users(db).verify('carol', 'second')).toMatchObject({ admin: true });
    });
    expect(await manage('user', 'password', 'nobody', '--password-file', file)).toMatchObject({
      status: 1,
      stderr: 'kerbside-manage: there is no user nobody\n',
    });
    await manage('user', 'delete', 'carol');
  });

  it('asks for a password twice at a terminal, and shows nothing of it', async () => {
    const file = join(site.folder, 'old-password');
    writeFileSync(file, 'old\n');
    await manage('user', 'create', 'dave', '--password-file', file);
    const line = ['dist/cmd/manage.js', '--config-file', site.conf, 'user', 'password', 'dave'];
    const typing = (again: string) =>
      runOnTerminal(
        process.execPath,
        line,
        [
          { prompt: 'Password: ', typed: 'tiny-secret' },
          { prompt: 'Password again: ', typed: again },
        ],
        { PATH: process.env['PATH'] },
      );
    const differing = await typing('tiny-secert');
    expect([differing.status, differing.shown]).toEqual([
      1,
      expect.stringContaining('the two passwords differ'),
    ]);
    const same = await typing('tiny-secret');
    expect([same.status, same.shown]).toEqual([0, expect.stringContaining('user dave has a new password')]);
    expect(differing.shown + same.shown).not.toContain('tiny-');
    await withDatabase(async (db) => {
      expect(await new Users(db).verify('dave', 'tiny-secret')).not.toBeNull();
    });
    await manage('user', 'delete', 'dave');
  });

  it('refuses an empty password', async () => {
    const file = join(site.folder, 'empty');
    writeFileSync(file, '\n');
    expect((await manage('user', 'create', 'bob', '--password-file', file)).stderr).toContain(
      'the password is empty',
    );
    expect((await manage('user', 'create', 'bob', '--password-file', '/absent')).stderr).toContain('/absent');
  });

  it('prints a token that the service accepts, and nothing else', async () => {
    const result = await manage('token', 'create', '--subject', 'alice', '--duration', '5');
    expect(result.stderr).toBe('');
    expect(await verifyToken(result.stdout.trim(), site.seed)).toEqual({ user: 'alice', admin: false });
  });

  it('writes a token to a file of its owner alone, also when the file was open to all', async () => {
    const file = join(site.folder, 'token');
    writeFileSync(file, 'a longer text that stood here before, much longer than any token could be', {
      mode: 0o644,
    });
    const result = await manage('token', 'create', '--subject', 'root', '--admin', '--output', file);
    expect(result.stdout).toContain(file);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const token = readFileSync(file, 'utf8').trim();
    expect(result.stdout).not.toContain(token);
    expect(await verifyToken(token, site.seed)).toEqual({ user: 'root', admin: true });
  });

  it('mints no token without a seed or for no time', async () => {
    const unset = await site.run('manage', ['token', 'create', '--subject', 'a'], {
      OS_API__AUTH_SECRET_SEED: '',
    });
    expect([unset.status, unset.stdout]).toEqual([1, '']);
    expect(unset.stderr).toContain('seed');
    expect((await manage('token', 'create', '--subject', 'a', '--duration', '0')).stderr).toContain(
      'whole minutes',
    );
  });

  it('lists no sessions and ends none that is not there', async () => {
    expect((await manage('session', 'list', '--format', 'json')).stdout).toBe('[]\n');
    expect(await manage('session', 'terminate', 'abcdefghijkl')).toMatchObject({
      status: 1,
      stderr: 'kerbside-manage: there is no open session abcdefghijkl\n',
    });
  });

  it('rotates the encryption key', async () => {
    const key = join(site.folder, 'encryption.key');
    const before = readFileSync(key, 'utf8');
    expect((await manage('encryption', 'rotate')).stdout).toMatch(
      /^key \S+ is in use, 0 values encrypted anew/,
    );
    expect(readFileSync(key, 'utf8')).not.toBe(before);
    expect(statSync(key).mode & 0o777).toBe(0o600);
    expect((await manage('user', 'list')).status).toBe(0);
  });
});

describe('kerbside-manage console', () => {
  const uuid = '6a4b1c52-0f3d-4e8a-9b7c-2d1e0f3a4b5c';
  beforeAll(() =>
    withDatabase(async (db) => {
      await new Sources(db).upsert({ name: 'lab', type: 'static' });
      await new Consoles(db).reconcile('lab', [
        aConsole({ uuid, name: 'desk' }),
        aConsole({ uuid: 'two', name: 'red \u001b[31m\u0007' }),
      ]);
    }),
  );

  it('lists the consoles', async () => {
    expect((await manage('console', 'list')).stdout).toMatch(
      new RegExp(
        `\\| lab +\\| ${uuid} \\| desk +\\| spice +\\| hypervisor\\.example\\.org \\| - +\\| - +\\| 0 +\\|`,
      ),
    );
    const listed = JSON.parse((await manage('console', 'list', '--format', 'json')).stdout) as unknown;
    expect(listed).toMatchObject([{ source: 'lab', uuid, name: 'desk', sessions: 0 }, { uuid: 'two' }]);
  });

  it('writes a file of its owner alone that holds a token of the records, and does not print it', async () => {
    const file = join(site.folder, 'desk.vv');
    writeFileSync(file, 'there before', { mode: 0o644 });
    const result = await manage('console', 'open', 'lab', uuid, '--save', file);
    expect([result.status, result.stderr]).toEqual([0, '']);
    expect(result.stdout).toMatch(/desk\.vv opens desk once, until 2\S+Z: remote-viewer \S+desk\.vv\n$/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const vv = parseVvFile(readFileSync(file, 'utf8'));
    expect(result.stdout).not.toContain(vv.password);
    expect([vv.host, vv.tlsPort, vv.port]).toEqual(['localhost', 5900, null]);
    expect(vv.ca).toContain('BEGIN CERTIFICATE');
    await withDatabase(async (db) => {
      const rows = await db.query('SELECT source, uuid, issued_to FROM console_tokens WHERE token_hash = ?', [
        hashToken(vv.password),
      ]);
      expect(rows).toEqual([
        { source: 'lab', uuid, issued_to: expect.stringContaining('(kerbside-manage)') },
      ]);
      const { events } = await new AuditEvents(db).list('lab', uuid, 1);
      expect(events).toMatchObject([
        {
          ...{ message: 'Created authentication token for session.', node: 'test-node' },
          ...{ issued_to: expect.stringContaining('(kerbside-manage)'), service: 'kerbside-manage' },
          ...{ requested_by: 'operator', request_user: expect.any(String), client_ip: null },
        },
      ]);
    });
  });

  it('prints the file when that is asked for, and nothing else', async () => {
    const result = await manage('console', 'open', 'lab', uuid, '--save', '-');
    expect(parseVvFile(result.stdout).values.get('title')).toMatch(/^desk via proxy session ID \w{12}$/);
    expect(result.stderr).toBe('');
  });

  it('shows nothing of a name that a terminal would obey', async () => {
    const result = await manage('console', 'open', 'lab', 'two', '--save', join(site.folder, 'two.vv'));
    expect(result.stdout).toContain('two.vv opens red ?[31m? once, until ');
  });

  it('shows what data may enter and leave it, and which place says so', async () => {
    await withDatabase(async (db) => {
      const settings = { guestPolicy: { rules: { usb: ['class:08', '046d:c52b'] } } };
      await new Sources(db).upsert({ name: 'lab', type: 'static', settings });
    });
    const { stdout } = await manage('console', 'policy', 'lab', uuid);
    expect(stdout).toMatch(/\| usb +\| class:08, 046d:c52b \| source lab \|/);
    expect(stdout).toMatch(/\| view_only +\| false +\| deployment \|/);
    const rows = JSON.parse(
      (await manage('console', 'policy', 'lab', uuid, '--format', 'json')).stdout,
    ) as unknown;
    expect(rows).toHaveLength(9);
    expect(rows).toContainEqual({ key: 'max_monitors', value: 0, from: 'deployment' });
    expect(await manage('console', 'policy', 'lab', 'no-such')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('there is no console no-such of source lab'),
    });
  });

  it('writes nothing for a console that is not there', async () => {
    const file = join(site.folder, 'absent.vv');
    expect(await manage('console', 'open', 'lab', 'no-such', '--save', file)).toMatchObject({
      status: 1,
      stderr:
        'kerbside-manage: there is no console no-such of source lab; "kerbside-manage console list" shows those that are known\n',
    });
    expect(existsSync(file)).toBe(false);
  });
});

const NO_KEYSTONE = {
  OS_KEYSTONE_AUTHTOKEN__AUTH_URL: 'http://127.0.0.1:1',
  OS_KEYSTONE_AUTHTOKEN__USERNAME: 'kerbside',
  OS_KEYSTONE_AUTHTOKEN__PASSWORD: 'secret',
  OS_KEYSTONE_AUTHTOKEN__HTTP_REQUEST_MAX_RETRIES: '0',
};

describe('kerbside-manage on a site with sessions', () => {
  const own = new Site();
  const place = { source: 'a/lab', uuid: '00000000-0000-4000-8000-000000000001' };
  const message = 'say "x", y';
  let sessionId: string;
  let about: Record<string, unknown>;
  const ask = (...args: string[]): Promise<ProgramResult> => own.run('manage', args);
  const trail = async (...words: string[]): Promise<Record<string, unknown>[]> =>
    JSON.parse((await ask('audit', 'list', ...words, '--format', 'json')).stdout) as never;

  beforeAll(async () => {
    const connection = `sqlite:///${join(own.folder, 'kerbside.sqlite')}`;
    const encryptionKeyFile = join(own.folder, 'encryption.key');
    const db = await openDatabase({ connection, encryptionKeyFile, maxPoolSize: 1 }, { sync: true });
    await new Sources(db).upsert({ name: place.source, type: 'static' });
    await new Consoles(db).reconcile(place.source, [aConsole({ uuid: place.uuid })]);
    const minted = await new ConsoleTokens(db, { tokenTtl: 600 }).mint({ ...place, issuedTo: 'ann' });
    ({ sessionId } = minted);
    await sessionNouns(db).admission.authorize({
      ...{ ticket: minted.token, connectionId: 0, channelType: 1, channelId: 0 },
      ...{ clientIp: '192.0.2.7', clientPort: 1, node: 'n', pid: 1 },
    });
    about = { ...place, session_id: sessionId, issued_to: 'ann', client_ip: '192.0.2.7' };
    await new AuditEvents(db, { service: 'kerbside-proxy' }).recordMany([
      { ...place, session_id: sessionId, issued_to: 'ann', client_ip: '192.0.2.7', channel: 'main', message },
      { source: '', uuid: '', message: 'not hers' },
    ]);
    await db.close();
  });
  afterAll(() => own.close());

  it('lists who is connected, from where', async () => {
    const list = JSON.parse((await ask('session', 'list', '--format', 'json')).stdout) as unknown;
    expect(list).toMatchObject([{ session_id: sessionId, issued_to: 'ann', client_ip: '192.0.2.7' }]);
    expect((await ask('session', 'list')).stdout).toMatch(/ issued_to .*\n.*\n.* ann /);
  });

  it('lists the audit trail of a console, a session and a user, with whoever ended the session', async () => {
    const end = ['session', 'terminate', sessionId];
    expect((await own.run('manage', end, { SUDO_USER: 'carol' })).status).toBe(0);
    const ended = {
      ...about,
      ...{ channel: null, message: 'Session terminated by request', service: 'kerbside-manage' },
      ...{ requested_by: 'operator', request_user: 'carol', request_ip: null, pid: null },
    };
    const opened = { ...about, channel: 'main', message, service: 'kerbside-proxy', requested_by: null };
    expect(await trail('--session', sessionId)).toMatchObject([ended, opened]);
    expect(await trail('--user', 'ann', '--limit', '1')).toMatchObject([ended]);
    expect(await trail('--user', 'carol')).toMatchObject([ended]);
    for (const console of [place.uuid, `${place.source}/${place.uuid}`])
      expect((await trail('--console', console)).slice(0, 2)).toMatchObject([ended, opened]);
  });

  it('prints the audit trail for people and as CSV', async () => {
    expect((await ask('audit', 'list', '--user', 'ann')).stdout).toMatch(
      /\| main +\| ann +\| 192\.0\.2\.7 +\| .*say "x", y/,
    );
    const lines = (await ask('audit', 'list', '--user', 'ann', '--format', 'csv')).stdout.split('\r\n');
    expect(lines[0]).toBe(
      'id,timestamp,source,uuid,session_id,channel,node,pid,service,issued_to,client_ip,requested_by,request_user,' +
        'request_user_id,request_id,request_ip,project_id,message',
    );
    expect(lines.at(-2)).toMatch(/,kerbside-proxy,ann,192\.0\.2\.7,.*,"say ""x"", y"$/);
  });

  it.each([
    ['--limit', '0'],
    ['--console', 'lab/'],
    ['--format', 'yaml'],
  ])('takes no audit list %s %s', async (...words) => {
    expect((await ask('audit', 'list', ...words)).status).toBe(1);
  });
});

describe('kerbside-manage service', () => {
  it('lists the programs of the site and forgets those that are down', async () => {
    const connection = `sqlite:///${join(site.folder, 'kerbside.sqlite')}`;
    const encryptionKeyFile = join(site.folder, 'encryption.key');
    const db = await openDatabase({ connection, encryptionKeyFile, maxPoolSize: 1 }, { sync: true });
    const services = new Services(db);
    // Each command is a process of its own: what is up must stay up for as long as they all take.
    const patient = { OS_DEFAULT__SERVICE_DOWN_TIME: '600' };
    const service = (...args: string[]) => site.run('manage', ['service', ...args], patient);
    const run = { binary: 'kerbside-proxy', pid: 7, version: '0.9.0', reportInterval: 5 };
    await services.register({ ...run, host: 'node-a', runId: 'one' }, { channels: 3 });
    for (const host of ['node-b', 'node-c']) {
      await services.register({ ...run, host, runId: 'two' }, {});
      await services.stop({ ...run, host, runId: 'two' });
    }
    await db.close();
    expect((await service('list')).stdout).toMatch(
      /\| 1 +\| node-a \| kerbside-proxy \| up +\| running +\| 0\.9\.0 +\| \d+ s ago +\| channels 3 +\|/,
    );
    const listed = JSON.parse((await service('list', '--format', 'json')).stdout) as unknown;
    expect(listed).toMatchObject([{ state: 'up' }, { state: 'down', status: 'stopped' }, { host: 'node-c' }]);
    const check = await site.run('status', ['upgrade', 'check'], patient);
    expect(check.stdout).toContain('kerbside-proxy on node-a is of release 0.9.0');
    const busy = await service('delete', '1');
    expect([busy.status, busy.stderr]).toEqual([1, expect.stringContaining('it must be down')]);
    expect((await service('delete', '2')).stdout).toBe('service 2 deleted\n');
    expect((await service('cleanup')).stdout).toBe('1 services deleted\n');
  });
});

describe('kerbside-manage policy generate', () => {
  it('prints the sample of the repository', async () => {
    const result = await site.run('manage', ['policy', 'generate']);
    expect([result.status, result.stdout]).toEqual([
      0,
      readFileSync('etc/kerbside/policy.yaml.sample', 'utf8'),
    ]);
  });
});

describe('kerbside-status upgrade check', () => {
  it('finds nothing wrong with a good site, except that its certificate is short-lived', async () => {
    const result = await site.run('status', ['upgrade', 'check']);
    expect(result.stdout).toContain('| Upgrade Check Results');
    expect(result.stdout).not.toContain('Result: Failure');
    expect([0, 1]).toContain(result.status);
  });

  it.each([
    [{ OS_API__PORT: 'x' }, 2, '[api] port: "x"'],
    [{ OS_SPICE__CERT_PATH: '/absent.pem' }, 2, '/absent.pem'],
    [{ OS_API__PORT: 'x', OS_SPICE__CERT_PATH: '/absent.pem' }, 2, '/absent.pem'],
    [{ OS_API__PORT: 'x', OS_CONSOLE__TOKEN_TTL: '0' }, 2, '; [console] token_ttl: 0 is less than 1'],
    [
      { OS_DATABASE__CONNECTION: 'x' },
      2,
      'Check: Database Result: Warning Details: not looked at: an option that it goes by does not fit',
    ],
    [{ OS_SOURCES__PATH: '/absent.yaml' }, 2, '/absent.yaml'],
    [{ OS_API__AUTH_SECRET_SEED: 'short' }, 1, 'shorter than 32 characters'],
    [{ KERBSIDE_API_PORT: '1' }, 1, 'KERBSIDE_API_PORT is a deprecated name'],
    [
      { OS_DEFAULT__TRANSPORT_URL: 'rabbit://u:p$$w@127.0.0.1:1/' },
      1,
      'is written $$ in OS_DEFAULT__TRANSPORT_URL',
    ],
    [
      { OS_SPICE__CERT_PATH: '$stat_path/a' },
      2,
      'there is no option stat_path to put in its place; did you mean',
    ],
    [{ OS_KEYSTONE_AUTHTOKEN__AUTH_URL: 'http://127.0.0.1:1' }, 2, '[keystone_authtoken] username'],
    [NO_KEYSTONE, 1, 'Keystone at http://127.0.0.1:1/v3/auth/tokens: the connection failed'],
  ])('tells %j by its exit status', async (env, status, text) => {
    const result = await site.run('status', ['upgrade', 'check'], env);
    expect(result.status).toBe(status);
    expect(result.stdout.replaceAll(/ *\|\n\| /g, ' ')).toContain(text);
    expect(result.stderr).toBe('');
  });

  it('sees a schema that is missing', async () => {
    const env = { OS_DATABASE__CONNECTION: `sqlite:///${site.folder}/none.sqlite` };
    const result = await site.run('status', ['upgrade', 'check'], env);
    expect([result.status, result.stdout]).toEqual([2, expect.stringContaining('db sync')]);
  });

  it('makes no encryption key: the service could not read it, and other nodes would not have it', async () => {
    const key = join(site.folder, 'check.key');
    const env = {
      OS_DATABASE__CONNECTION: `sqlite:///${site.folder}/check.sqlite`,
      OS_DATABASE__ENCRYPTION_KEY_FILE: key,
    };
    expect((await site.run('manage', ['db', 'sync'], env)).status).toBe(0);
    rmSync(key);
    const missing = await site.run('status', ['upgrade', 'check'], env);
    expect(missing.status).toBe(2);
    expect(missing.stdout.replaceAll(/ *\|\n\| /g, ' ')).toContain('check.key is missing');
    expect(existsSync(key)).toBe(false);
  });

  it('registers no key that the database does not know', async () => {
    const path = join(site.folder, 'copied.sqlite');
    const key = join(site.folder, 'copied.key');
    const env = { OS_DATABASE__CONNECTION: `sqlite:///${path}`, OS_DATABASE__ENCRYPTION_KEY_FILE: key };
    expect((await site.run('manage', ['db', 'sync'], env)).status).toBe(0);
    writeFileSync(key, `0badcafe ${Buffer.alloc(32, 7).toString('base64')}\n`, { mode: 0o600 });
    expect((await site.run('status', ['upgrade', 'check'], env)).stdout).toContain('| Result: Success');
    const db = await openDatabase(
      { connection: env.OS_DATABASE__CONNECTION, encryptionKeyFile: key, maxPoolSize: 1 },
      { sync: false, readOnly: true },
    );
    try {
      expect(await db.query("SELECT key_id FROM encryption_keys WHERE key_id = '0badcafe'")).toEqual([]);
    } finally {
      await db.close();
    }
  });

  it('sees a policy with a fault', async () => {
    const path = join(site.folder, 'policy.yaml');
    writeFileSync(path, '"kerbside:consoles:list": "role:"\n');
    const result = await site.run('status', ['upgrade', 'check'], { OS_OSLO_POLICY__POLICY_FILE: path });
    expect([result.status, result.stdout]).toEqual([2, expect.stringContaining('kerbside:consoles:list')]);
  });

  it('sees a sources file with a fault', async () => {
    const path = join(site.folder, 'faulty.yaml');
    writeFileSync(path, '- source: a\n  type: nonsense\n');
    const result = await site.run('status', ['upgrade', 'check'], { OS_SOURCES__PATH: path });
    expect([result.status, result.stdout]).toEqual([2, expect.stringContaining('nonsense')]);
  });
});
