// SPDX-License-Identifier: Apache-2.0
// Every option that names a file or a folder: one that cannot be used is told with the option, the whole path and what to do.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { listGroups } from '../../../src/conf/groups.js';
import { makeKeyPair } from '../../../src/recording/keys.js';
import { Site } from './site.js';
import type { ProgramName } from './site.js';

const site = new Site();
beforeAll(async () => {
  await site.run('manage', ['db', 'sync']);
});
afterAll(() => site.close());

/** How a wrong path of an option shows itself. */
interface Case {
  /** Default: `absent/file`. */
  readonly path?: string;
  /** The program that cannot start; `status` is its upgrade check. Default: kerbside. */
  readonly program?: ProgramName;
  /** What makes the program use the file. */
  readonly env?: NodeJS.ProcessEnv;
  /** What the message names; default: the option itself. */
  readonly named?: string;
}

const BROKER = { OS_DEFAULT__TRANSPORT_URL: 'rabbit://u:p@127.0.0.1:1/?ssl=1' };
const HTML5 = { program: 'html5proxy', env: { OS_SPICE__SECURE_PORT: '5900' } } as const;
const KEYSTONE = {
  OS_KEYSTONE_AUTHTOKEN__AUTH_URL: 'https://127.0.0.1:1',
  OS_KEYSTONE_AUTHTOKEN__USERNAME: 'kerbside',
  OS_KEYSTONE_AUTHTOKEN__PASSWORD: 'x',
};
const SYSLOG = { OS_AUDIT__SINKS: 'syslog', OS_AUDIT__SYSLOG_SERVER: '127.0.0.1' };
const cert = join(site.folder, 'site-1.pem');
const key = join(site.folder, 'site-1-key.pem');

const CASES: Readonly<Record<string, Case>> = {
  '[DEFAULT] log_file': {},
  '[DEFAULT] state_path': { named: '[DEFAULT] state_path' },
  '[audit] jsonl_path': { env: { OS_AUDIT__SINKS: 'jsonl' } },
  '[audit] syslog_ca_file': { env: SYSLOG },
  '[audit] syslog_cert_file': { env: { ...SYSLOG, OS_AUDIT__SYSLOG_KEY_FILE: key } },
  '[audit] syslog_key_file': { env: { ...SYSLOG, OS_AUDIT__SYSLOG_CERT_FILE: cert } },
  '[database] encryption_key_file': {},
  '[html5proxy] cert_path': {
    ...HTML5,
    env: { ...HTML5.env, OS_HTML5PROXY__KEY_PATH: key },
  },
  '[html5proxy] key_path': { ...HTML5, env: { ...HTML5.env, OS_HTML5PROXY__CERT_PATH: cert } },
  '[html5proxy] web': { ...HTML5 },
  '[inspection] path': { env: { OS_INSPECTION__MODE: 'full' } },
  '[keystone_authtoken] cafile': { env: KEYSTONE },
  '[oslo_messaging_rabbit] ssl_ca_file': { env: BROKER },
  '[oslo_messaging_rabbit] ssl_cert_file': {
    env: { ...BROKER, OS_OSLO_MESSAGING_RABBIT__SSL_KEY_FILE: key },
  },
  '[oslo_messaging_rabbit] ssl_key_file': {
    env: { ...BROKER, OS_OSLO_MESSAGING_RABBIT__SSL_CERT_FILE: cert },
  },
  // Without the file the defaults hold, and a folder that does not exist is passed over.
  '[oslo_policy] policy_file': { path: 'test/unit' },
  '[oslo_policy] policy_dirs': { path: 'package.json' },
  '[recording] path': { env: { OS_RECORDING__PUBLIC_KEY: makeKeyPair().publicKey } },
  '[sources] path': { program: 'status' },
  '[spice] cert_path': {},
  '[spice] key_path': {},
  '[spice] cacert_path': {},
  '[vnc] vencrypt_ca_certs': {},
  '[vnc] vencrypt_client_cert': { env: { OS_VNC__VENCRYPT_CLIENT_KEY: key } },
  '[vnc] vencrypt_client_key': { env: { OS_VNC__VENCRYPT_CLIENT_CERT: cert } },
};

/** The options that are paths, `[group] option`. */
function pathOptions(): string[] {
  return listGroups().flatMap(([, { name, options }]) =>
    Object.entries(options)
      .filter(([, spec]) => spec.type === 'path' || (spec.type === 'list' && spec.item === 'path'))
      .map(([option]) => `[${name}] ${option}`),
  );
}

function variableOf(option: string): string {
  const [, group = '', name = ''] = /^\[(.*)\] (.*)$/.exec(option) ?? [];
  return `OS_${group.toUpperCase()}__${name.toUpperCase()}`;
}

/** What a program says, its lines joined. */
async function said(program: ProgramName, env: NodeJS.ProcessEnv): Promise<string> {
  const result = await site.run(program, program === 'status' ? ['upgrade', 'check'] : [], env);
  expect(result.status).not.toBe(0);
  return (result.stderr + result.stdout).replaceAll(/ *\|\n\| /g, ' ');
}

describe('an option that names a file', () => {
  it('is one of those below', () => {
    expect(Object.keys(CASES).sort()).toEqual(pathOptions().sort());
  });

  it.each(Object.entries(CASES))(
    'says so: %s',
    async (option, { path = 'absent/file', program, env, named }) => {
      const text = await said(program ?? 'kerbside', { ...env, [variableOf(option)]: path });
      expect(text).toContain(named ?? option);
      expect(text).toContain(join(process.cwd(), path));
      expect(text).toMatch(
        /\(written as (absent|test|package).*; a relative path starts at the working directory\)/,
      );
      expect(text).toMatch(/; (create|change|name|let|see to)/);
    },
  );
});

describe('a file without what it should hold', () => {
  const text = join(site.folder, 'text.pem');
  writeFileSync(text, 'hello\n');

  it.each<[string, NodeJS.ProcessEnv]>([
    ['[audit] syslog_ca_file', SYSLOG],
    ['[keystone_authtoken] cafile', KEYSTONE],
    ['[oslo_messaging_rabbit] ssl_ca_file', BROKER],
    ['[oslo_messaging_rabbit] ssl_cert_file', { ...BROKER, OS_OSLO_MESSAGING_RABBIT__SSL_KEY_FILE: key }],
    ['[spice] cert_path', {}],
    ['[spice] cacert_path', {}],
    ['[vnc] vencrypt_ca_certs', {}],
    ['[vnc] vencrypt_client_cert', { OS_VNC__VENCRYPT_CLIENT_KEY: key }],
  ])('is told by option and name: %s', async (option, env) => {
    const told = await said('kerbside', { ...env, [variableOf(option)]: text });
    expect(told).toContain(`${option}: the file ${text} holds no PEM certificate; name `);
  });

  it.each(['ca', 'cert', 'key'])('is told by option and name: ssl_%s of the database', async (name) => {
    const url = `mysql://u:hunter2@127.0.0.1:1/k?ssl_${name}=${text}`;
    const told = await said('kerbside', { OS_DATABASE__CONNECTION: url });
    expect(told).toMatch(
      /\[database\] connection, ssl_(ca|cert|key): the file .*text\.pem holds no PEM (certificate|private key); /,
    );
    expect(told).not.toContain('hunter2');
  });

  it('is told when a VNC certificate comes without its key, or with another one', async () => {
    const OS_VNC__VENCRYPT_CLIENT_CERT = cert;
    expect(await said('kerbside', { OS_VNC__VENCRYPT_CLIENT_CERT })).toContain(
      '[vnc] vencrypt_client_key: is not set, and vencrypt_client_cert is; set both, or none',
    );
    const other = join(site.folder, 'site-ca-key.pem');
    expect(
      await said('kerbside', { OS_VNC__VENCRYPT_CLIENT_CERT, OS_VNC__VENCRYPT_CLIENT_KEY: other }),
    ).toContain(
      `[vnc] vencrypt_client_key: the key of ${other} cannot be used with the certificate of ${cert}`,
    );
  });

  it('is told when a key is not the one of the certificate that is shown to the broker', async () => {
    const other = join(site.folder, 'site-ca-key.pem');
    const told = await said('kerbside', {
      ...BROKER,
      OS_OSLO_MESSAGING_RABBIT__SSL_CERT_FILE: cert,
      OS_OSLO_MESSAGING_RABBIT__SSL_KEY_FILE: other,
    });
    expect(told).toContain(
      `[oslo_messaging_rabbit] ssl_key_file: the key of ${other} cannot be used with the certificate of ${cert} (key values mismatch); `,
    );
  });
});
