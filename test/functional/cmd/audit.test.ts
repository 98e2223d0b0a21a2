// SPDX-License-Identifier: Apache-2.0
// The audit trail as an operator has it: a conductor that writes it to a file, what kerbside-manage proves of it, exports,
// holds, and what administrators do.
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Database } from '../../../src/objects/database.js';
import { openDatabase } from '../../fixtures/open-database.js';
import { waitFor, type ProgramResult } from '../../fixtures/program.js';
import { sealAll, writeEvents } from '../../fixtures/audit-trail.js';
import { Site } from './site.js';

const site = new Site();
const at = (name: string): string => join(site.folder, name);
beforeAll(async () => {
  expect(await manage('db', 'sync')).toMatchObject({ status: 0 });
});
afterAll(() => site.close());

function manage(...args: string[]): Promise<ProgramResult> {
  return site.run('manage', args);
}

async function withDatabase<T>(work: (db: Database) => Promise<T>): Promise<T> {
  const db = await openDatabase(
    {
      connection: `sqlite:///${at('kerbside.sqlite')}`,
      encryptionKeyFile: at('encryption.key'),
      maxPoolSize: 1,
    },
    { sync: false },
  );
  try {
    return await work(db);
  } finally {
    await db.close();
  }
}

async function newKey(name: string): Promise<string> {
  const made = await manage('audit', 'keygen', '--private-key', at(name));
  expect(made).toMatchObject({ status: 0, stdout: expect.stringMatching(/^[\w-]{43}\n$/) });
  expect(statSync(at(name)).mode & 0o777).toBe(0o600);
  return made.stdout.trim();
}

const PERIOD = ['--from', '2030-01-01', '--to', '2030-01-02T00:00:00Z'];
const IN_PERIOD = Date.parse('2030-01-01') / 1000;

describe('the audit trail of a site', () => {
  it('goes to the file that the configuration names, and what operators do is in it', async () => {
    const path = at('audit.jsonl');
    const env = { OS_AUDIT__SINKS: 'jsonl', OS_AUDIT__JSONL_PATH: path };
    const conductor = await site.start('conductor', { env });
    await waitFor('the cursor of the sink', async () =>
      (await manage('audit', 'sinks', '--format', 'json')).stdout.includes('jsonl'),
    );
    const password = at('password');
    writeFileSync(password, 'a long password\n');
    await manage('user', 'create', 'zoe', '--admin', '--password-file', password);
    await manage('user', 'password', 'zoe', '--password-file', password);
    await manage('group', 'add', 'staff', 'zoe');
    await manage('group', 'remove', 'staff', 'zoe');
    await manage('user', 'delete', 'zoe');
    await manage('encryption', 'rotate', '--prepare-only');
    await manage('audit', 'hold', 'case-17', '--console', 'lab/a', '--reason', 'a dispute');
    await manage('audit', 'release', 'case-17');
    const messages = await waitFor('eight lines', () => {
      const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
      const said = lines.map((line) => JSON.parse(line) as { message: string; requested_by: string });
      return said.length >= 8 && said;
    });
    expect(messages.map(({ message }) => message)).toEqual([
      'User created: zoe, an administrator',
      'User has a new password: zoe',
      'User put into group staff: zoe',
      'User taken out of group staff: zoe',
      'User deleted: zoe',
      expect.stringMatching(/^Encryption key prepared: \w+$/),
      'Legal hold placed: case-17: a dispute',
      'Legal hold released: case-17',
    ]);
    expect(new Set(messages.map(({ requested_by }) => requested_by))).toEqual(new Set(['operator']));
    await conductor.stop();
    expect((await manage('audit', 'verify')).stdout).toContain('the audit trail is whole\n');
    expect((await manage('audit', 'verify', path, '--database')).stdout).toContain(
      'the file is whole; it is not signed',
    );
  });

  it('refuses to start with a sink that is half configured', async () => {
    const start = (env: NodeJS.ProcessEnv): Promise<ProgramResult> => site.run('conductor', [], env);
    expect((await start({ OS_AUDIT__SINKS: 'jsonl' })).stderr).toContain(
      '[audit] jsonl_path: sink jsonl is named and this is not set; name a file',
    );
    expect(
      (
        await start({
          OS_AUDIT__SINKS: 'syslog',
          OS_AUDIT__SYSLOG_SERVER: 'logs',
          OS_AUDIT__SYSLOG_CA_FILE: '/absent',
        })
      ).stderr,
    ).toContain('[audit] syslog_ca_file');
  });

  it('is exported as a signed file, which shows every change of it', async () => {
    const publicKey = await newKey('key.pem');
    const file = at('export.jsonl');
    await withDatabase(async (db) => {
      await writeEvents(db, 30, { from: IN_PERIOD });
      await writeEvents(db, 5, { from: IN_PERIOD + 86_400 });
      await sealAll(db);
    });
    const made = await manage('audit', 'export', ...PERIOD, '--private-key', at('key.pem'), '--output', file);
    expect(made).toMatchObject({
      status: 0,
      stderr: expect.stringContaining('30 events from 2030-01-01T00:00:00.000Z to 2030-01-02T00:00:00.000Z'),
    });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const verify = (path: string, ...more: string[]): Promise<ProgramResult> =>
      manage('audit', 'verify', path, '--public-key', publicKey, ...more);
    expect(await verify(file, '--database')).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^30 events, 0 of them repeated.*\nthe file is what was signed\n$/),
    });

    const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
    const changed = async (change: (lines: string[]) => string[]): Promise<string> => {
      writeFileSync(at('changed.jsonl'), `${change([...lines]).join('\n')}\n`);
      const result = await verify(at('changed.jsonl'));
      expect(result.status).toBe(1);
      return result.stderr;
    };
    expect(await changed((all) => all.toSpliced(10, 1))).toContain(
      'the file was changed after it was signed',
    );
    expect(await changed((all) => all.slice(0, -1))).toContain('the signature is missing: the file was cut');
    expect(await changed((all) => all.with(5, (all[5] ?? '').replace('event 5', 'event 6')))).toMatch(
      /line 6: position \d+: changed/,
    );
    expect(await changed((all) => [...all, all[1] ?? ''])).toContain('it comes after the signature');
    const other = await newKey('other.pem');
    const wrong = await manage('audit', 'verify', file, '--public-key', other);
    expect(wrong).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('the signature is not of this key'),
    });
    expect((await manage('audit', 'verify', file)).stderr).toContain(
      'give the key that it must be signed with',
    );
    expect(
      (await manage('audit', 'export', ...PERIOD, '--private-key', at('key.pem'), '--output', file)).stderr,
    ).toContain('export.jsonl is there already; give another name');
  });

  it('that somebody changed in the database does not pass, there and beside a file', async () => {
    const publicKey = await newKey('third.pem');
    const file = at('before.jsonl');
    await manage('audit', 'export', ...PERIOD, '--private-key', at('third.pem'), '--output', file);
    await withDatabase((db) =>
      db.execute("UPDATE audit_events SET message = 'nothing' WHERE message = 'event 7' AND timestamp < ?", [
        IN_PERIOD + 86_400,
      ]),
    );
    const result = await manage('audit', 'verify');
    expect(result).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/position \d+ \(event \d+\): changed after it was sealed/),
    });
    expect((await manage('audit', 'verify', file, '--public-key', publicKey, '--database')).stderr).toMatch(
      /line 8: position \d+: the database says something else/,
    );
  });

  it.each([
    [['--from', 'yesterday'], 'Give a day as 2027-01-31'],
    [['--to', '2029-01-01'], '--to: not after --from'],
    [['--private-key', '/absent'], '/absent cannot be read (ENOENT)'],
  ])('refuses an export with %j', async (change, words) => {
    const good = { '--from': '2030-01-01', '--to': '2030-01-02', '--private-key': at('key.pem') };
    const args = Object.entries({ ...good, [change[0] ?? '']: change[1] ?? '' }).flat();
    const result = await manage('audit', 'export', ...args);
    expect(result).toMatchObject({ status: 1, stdout: '', stderr: expect.stringContaining(words) });
  });

  it('refuses files that are none', async () => {
    writeFileSync(at('garbage'), Buffer.alloc(300_000, 'x'));
    expect((await manage('audit', 'verify', at('garbage'))).stderr).toContain(
      'a line is longer than those of audit events',
    );
    writeFileSync(at('empty'), '');
    expect((await manage('audit', 'verify', at('empty'))).stderr).toContain('the file is empty');
    writeFileSync(at('strange'), '{"a": 1}\nnot JSON\n');
    expect((await manage('audit', 'verify', at('strange'))).stderr).toBe(
      'line 1: member position is missing or of another type\nline 2: the line is no JSON object\n',
    );
    expect((await manage('audit', 'verify', '/absent')).stderr).toContain('/absent cannot be read (ENOENT)');
  });
});
