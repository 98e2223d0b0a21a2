// SPDX-License-Identifier: Apache-2.0
// What keeps a program from starting is told in one line for each fault, all at once, without a stack trace, and with
// status 1.
import { chmodSync, copyFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { freePort } from '../../fixtures/program.js';
import type { ProgramResult } from '../../fixtures/program.js';
import { Site } from './site.js';
import type { ProgramName } from './site.js';

const site = new Site();
afterAll(() => site.close());

let taken: Server;
let takenPort: string;
beforeAll(async () => {
  // What is not looked for is in order.
  expect(await site.run('manage', ['db', 'sync'])).toMatchObject({ status: 0 });
  taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  takenPort = String((taken.address() as AddressInfo).port);
});
afterAll(() => {
  taken.close();
});

function expectOneLine(result: ProgramResult, ...parts: string[]): void {
  expect(result.status).toBe(1);
  const lines = result.stderr.trimEnd().split('\n');
  expect(lines).toHaveLength(1);
  for (const part of parts) expect(lines[0]).toContain(part);
  expect(result.stderr + result.stdout).not.toMatch(/\n\s+at /);
}

function expectLines(result: ProgramResult, ...parts: string[]): void {
  expect(result.status).toBe(1);
  const lines = result.stderr.trimEnd().split('\n');
  const missing = parts.filter((part) => !lines.some((line) => line.includes(part)));
  expect({ missing, lines: lines.length, of: lines }).toEqual({
    missing: [],
    lines: parts.length,
    of: lines,
  });
  expect(lines.filter((line) => !line.startsWith('kerbside'))).toEqual([]);
  expect(result.stderr + result.stdout).not.toMatch(/\n\s+at /);
}

/** Two at a time: each takes a second of a processor, and waits in between. */
async function together<Item>(items: readonly Item[], check: (item: Item) => Promise<void>): Promise<void> {
  const left = [...items];
  const next = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await check(item);
  };
  await Promise.all([next(), next()]);
}

describe('a start that cannot be', () => {
  it.each(['', '   ', '~~unconfigured~~'])('asks for a seed when it is %j', async (seed) => {
    await together(['kerbside', 'api'] satisfies ProgramName[], async (name) => {
      const result = await site.run(name, [], { KERBSIDE_AUTH_SECRET_SEED: seed });
      expectOneLine(result, '[api] auth_secret_seed', 'seed');
    });
  });

  it.each([
    [{ KERBSIDE_API_PORT: 'banana' }, ['[api] port', '"banana"', 'KERBSIDE_API_PORT']],
    [{ KERBSIDE_CONSOLE_TOKEN_DURATION: '1.5' }, ['[console] token_ttl', '"1.5"', 'whole minutes']],
    [{ KERBSIDE_FIREWALL_MODE: 'block' }, ['[firewall] mode', '"block"', 'enforce, warn, off']],
    [
      { KERBSIDE_FIREWALL_PERMITTED_CHANNELS: 'main,displya' },
      ['[firewall] permitted_channels', 'did you mean display'],
    ],
    [{ KERBSIDE_SQL_URL: 'postgresql://u:hunter2@h/d' }, ['[database] connection', 'sqlite:///']],
    [{ OS_PROXY__DRAIN_TIMEOUT: '-1' }, ['[proxy] drain_timeout', '-1']],
  ])('names the bad value of %j', async (env, parts) => {
    const result = await site.run('kerbside', [], env);
    expectOneLine(result, ...parts);
    expect(result.stderr).not.toContain('hunter2');
  });

  it('names a configuration file that is missing, and a line that is broken', async () => {
    const broken = join(site.folder, 'broken.conf');
    writeFileSync(broken, '[api]\nport\n');
    expectOneLine(await site.run('kerbside', ['--config-file', '/absent.conf']), '/absent.conf');
    expectOneLine(await site.run('kerbside', ['--config-file', broken]), `${broken} line 2`);
    expectOneLine(await site.run('kerbside', ['--config-dir', '/absent.d']), '/absent.d');
  });

  it('names a certificate that is missing, broken, or not the one of the key', async () => {
    const garbage = join(site.folder, 'garbage.pem');
    writeFileSync(garbage, 'garbage\n');
    const absent = join(site.folder, 'absent.pem');
    const faults: [ProgramName, NodeJS.ProcessEnv, string][] = [
      ...(['kerbside', 'proxy'] satisfies ProgramName[]).flatMap((name): typeof faults => [
        [name, { KERBSIDE_PROXY_HOST_CERT_PATH: absent }, absent],
        [name, { OS_SPICE__KEY_PATH: absent }, absent],
        [name, { OS_SPICE__CERT_PATH: garbage }, garbage],
      ]),
      ['kerbside', { OS_SPICE__CACERT_PATH: '/absent-ca.pem' }, '/absent-ca.pem'],
    ];
    await together(faults, async ([name, env, part]) => {
      expectOneLine(await site.run(name, [], env), part);
    });
  });

  it('tells all that is wrong at once when an option does not fit', async () => {
    const result = await site.run('kerbside', [], {
      ...{ OS_API__PORT: 'banana', OS_CONSOLE__TOKEN_TTL: '0', OS_API__AUTH_SECRET_SEED: '' },
      ...{ OS_SPICE__CERT_PATH: '/absent.pem', OS_SPICE__CACERT_PATH: '/absent-ca.pem' },
      ...{ OS_DATABASE__CONNECTION: 'sqlite:////absent/k.sqlite', OS_METRICS__PORT: takenPort },
      ...{ OS_HTML5PROXY__ENABLED: 'true', OS_HTML5PROXY__WEB: '/absent-web' },
      ...{ OS_DEFAULT__TRANSPORT_URL: 'amqp://x', OS_DEFAULT__LOG_FILE: '/absent/k.log' },
      ...{ OS_KEYSTONE_AUTHTOKEN__AUTH_URL: 'http://127.0.0.1:1', OS_OSLO_POLICY__POLICY_FILE: site.conf },
    });
    expectLines(
      result,
      ...['[api] port: "banana"', '[console] token_ttl: 0', '[api] auth_secret_seed'],
      ...['/absent.pem', '/absent-ca.pem', 'the folder /absent does not exist', `port ${takenPort}`],
      ...['/absent-web', 'transport_url', '/absent/k.log', '[keystone_authtoken] username', site.conf],
    );
  });

  it('tells all that is wrong at once when a part cannot start', async () => {
    await together(
      [
        ['kerbside', ['/absent.pem', '/absent-ca.pem', takenPort, '/absent-web']],
        ['proxy', ['/absent.pem', takenPort]],
        ['html5proxy', ['/absent-ca.pem', '/absent-web']],
        ['api', ['/absent-ca.pem', takenPort]],
      ] satisfies [ProgramName, string[]][],
      async ([name, parts]) => {
        const result = await site.run(name, [], {
          ...{ OS_SPICE__CERT_PATH: '/absent.pem', OS_SPICE__CACERT_PATH: '/absent-ca.pem' },
          ...{ OS_HTML5PROXY__ENABLED: 'true', OS_HTML5PROXY__WEB: '/absent-web', OS_HTML5PROXY__PORT: '0' },
          ...{ OS_HTML5PROXY__PROXY_PORT: '5900', OS_METRICS__HTML5PROXY_PORT: '0' },
          ...(name === 'api' ? { OS_API__PORT: takenPort } : { OS_METRICS__PORT: takenPort }),
        });
        expectLines(result, ...parts);
      },
    );
  });

  it('takes no port of its own for a fault', async () => {
    const env = { OS_API__PORT: takenPort, OS_METRICS__PORT: String(await freePort()) };
    expectOneLine(await site.run('kerbside', [], env), takenPort);
  });

  it('names each port that is taken', async () => {
    const ports = ['OS_API__PORT', 'OS_SPICE__SECURE_PORT', 'OS_SPICE__INSECURE_PORT', 'OS_METRICS__PORT'];
    await together(ports, async (option) => {
      expectOneLine(await site.run('kerbside', [], { [option]: takenPort }), takenPort);
    });
  });

  it('names the log file that cannot be opened', async () => {
    expectOneLine(await site.run('kerbside', [], { OS_DEFAULT__LOG_FILE: '/absent/k.log' }), '/absent/k.log');
  });

  it('refuses a database without schema in the separate programs, and names the remedy', async () => {
    const env = { OS_DATABASE__CONNECTION: `sqlite:///${site.folder}/empty.sqlite` };
    await together(['api', 'proxy', 'conductor'] satisfies ProgramName[], async (name) => {
      expectOneLine(await site.run(name, [], env), 'empty.sqlite', 'kerbside-manage db sync');
    });
  });

  it('names a database that cannot be reached, without its password', async () => {
    const result = await site.run('kerbside', [], {
      KERBSIDE_SQL_URL: 'mysql+pymysql://kerbside:hunter2@127.0.0.1:1/kerbside',
    });
    expectOneLine(result, '127.0.0.1:1');
    expect(result.stderr + result.stdout).not.toContain('hunter2');
  });

  it('names a database file that is none', async () => {
    const path = join(site.folder, 'text.sqlite');
    copyFileSync(site.conf, path);
    chmodSync(path, 0o600);
    expectOneLine(await site.run('kerbside', [], { KERBSIDE_SQL_URL: `sqlite:///${path}` }), path);
  });
});

describe('every program', () => {
  it.each(['kerbside', 'api', 'proxy', 'conductor', 'manage', 'status'] satisfies ProgramName[])(
    '%s knows --help and --version',
    async (name) => {
      const [help, version, bogus] = await Promise.all(
        ['--help', '--version', '--bogus'].map((option) => site.run(name, [option])),
      );
      expect([help?.status, version?.status, bogus?.status]).toEqual([0, 0, 1]);
      expect(help?.stdout).toMatch(/--config-file[\s\S]*--config-dir/);
      expect(version?.stdout).toMatch(/^kerbside(-[a-z]+)? \d+\.\d+\.\d+\n$/);
    },
  );
});
