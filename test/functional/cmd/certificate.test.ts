// SPDX-License-Identifier: Apache-2.0
// kerbside-manage certificate generate, and what a client says to what it makes.
import { X509Certificate } from 'node:crypto';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { connect, createServer } from 'node:tls';
import { afterAll, describe, expect, it } from '@jest/globals';
import { loadConf } from '../../../src/conf/index.js';
import type { Conf } from '../../../src/conf/index.js';
import { CaCertificate } from '../../../src/tls/ca-certificate.js';
import { loadCertificates } from '../../../src/tls/certificates.js';
import { spiceCertificates } from '../../../src/tls/inspection.js';
import { subjectMatches } from '../../../src/tls/host-subject.js';
import { GIVE_UP_MS, runProgram } from '../../fixtures/program.js';
import type { ProgramResult } from '../../fixtures/program.js';
import { scratchFolder } from '../../fixtures/scratch.js';

const folder = scratchFolder('certificate-');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const FILES = [
  'ca-cert.pem',
  'ca-key.pem',
  'proxy-ecdsa-key.pem',
  'proxy-ecdsa.pem',
  'proxy-rsa-key.pem',
  'proxy-rsa.pem',
];

function generate(
  directory: string,
  args: string[] = [],
  env: NodeJS.ProcessEnv = {},
): Promise<ProgramResult> {
  const line = [
    'dist/cmd/manage.js',
    '--config-file',
    '/dev/null',
    'certificate',
    'generate',
    '--directory',
    directory,
  ];
  return runProgram(process.execPath, [...line, ...args], {
    env: { PATH: process.env['PATH'], ...env },
    timeoutMs: GIVE_UP_MS,
  });
}

function read(directory: string, name: string): string {
  return readFileSync(join(directory, name), 'utf8');
}

/** The configuration that the printed lines make. */
function confOf(printed: string): Conf {
  const file = join(folder, 'printed.conf');
  writeFileSync(file, printed);
  const { conf, warnings } = loadConf({ configFiles: [file], configDirs: [] }, {});
  expect(warnings).toEqual([]);
  return conf;
}

/** The subject of the certificate that a client which can do only `ciphers` gets and trusts. */
async function handshake(spice: Conf['spice'], ciphers: string): Promise<X509Certificate> {
  const { cert, key } = await loadCertificates(spiceCertificates(spice));
  const ca = await (await CaCertificate.load(spice.cacertPath)).pem();
  const server = createServer({ cert: [...cert], key: [...key] });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    return await new Promise((resolve, reject) => {
      const host = { host: '127.0.0.1', port, servername: 'kerbside.example.com' };
      const client = connect({ ...host, ca, ciphers, maxVersion: 'TLSv1.2' }, () => {
        const peer = client.getPeerX509Certificate();
        client.destroy();
        if (peer === undefined) reject(new Error('no certificate'));
        else resolve(peer);
      });
      client.once('error', reject);
    });
  } finally {
    server.close();
  }
}

describe('kerbside-manage certificate generate', () => {
  it('makes an authority and certificates that old and new clients trust, and prints their options', async () => {
    const directory = join(folder, 'new/folder');
    const names = ['--name', 'kerbside.example.com', '--name', '192.0.2.7', '--name', '2001:db8::7'];
    const result = await generate(directory, names);
    expect([result.status, result.stderr]).toEqual([0, '']);
    expect(readdirSync(directory)).toEqual(FILES);
    const modes = FILES.map((name) => [name, statSync(join(directory, name)).mode & 0o777]);
    expect(modes).toEqual(FILES.map((name) => [name, name.includes('key') ? 0o600 : 0o644]));
    const { spice } = confOf(result.stdout);
    expect(spice).toMatchObject({
      publicFqdn: 'kerbside.example.com',
      hostSubject: 'O=Kerbside,CN=kerbside.example.com',
    });
    for (const [ciphers, type] of [
      ['ECDHE-ECDSA-AES128-GCM-SHA256', 'ec'],
      ['ECDHE-RSA-AES128-GCM-SHA256', 'rsa'],
    ] as const) {
      const certificate = await handshake(spice, ciphers);
      expect(certificate.publicKey.asymmetricKeyType).toBe(type);
      expect(subjectMatches(spice.hostSubject, certificate)).toBe(true);
      expect([certificate.checkIP('192.0.2.7'), certificate.checkIP('2001:db8::7')]).not.toContain(undefined);
    }
  });

  it('takes [spice] public_fqdn and the addresses of this machine when no name is given', async () => {
    const directory = join(folder, 'defaults');
    const result = await generate(directory, ['--days', '20'], {
      OS_SPICE__PUBLIC_FQDN: 'spice.example.com',
    });
    const certificate = new X509Certificate(read(directory, 'proxy-ecdsa.pem'));
    expect([certificate.checkHost('spice.example.com'), certificate.checkIP('127.0.0.1')]).not.toContain(
      undefined,
    );
    expect(Math.round((Date.parse(certificate.validTo) - Date.now()) / 86_400_000)).toBe(20);
    expect(result.stdout).not.toContain('public_fqdn');
    expect(confOf(result.stdout).spice).toMatchObject({
      ...{ publicFqdn: hostname(), hostSubject: 'O=Kerbside,CN=spice.example.com' },
    });
  });

  it('overwrites nothing, unless that is demanded, and then keeps the authority', async () => {
    const directory = join(folder, 'again');
    await generate(directory, ['--name', 'one.example']);
    const before = FILES.map((name) => read(directory, name));
    // Readable for the group that Kerbside runs as.
    chmodSync(join(directory, 'proxy-rsa-key.pem'), 0o640);
    const refused = await generate(directory, ['--name', 'two.example']);
    expect([refused.status, refused.stdout]).toEqual([1, '']);
    expect(refused.stderr).toBe(
      `kerbside-manage: proxy-ecdsa.pem, proxy-ecdsa-key.pem, proxy-rsa.pem, proxy-rsa-key.pem in ${directory} would be ` +
        'overwritten; --force replaces them, and keeps the authority\n',
    );
    expect(FILES.map((name) => read(directory, name))).toEqual(before);
    expect((await generate(directory, ['--name', 'two.example', '--force'])).status).toBe(0);
    expect(FILES.filter((name, index) => read(directory, name) === before[index])).toEqual([
      'ca-cert.pem',
      'ca-key.pem',
    ]);
    const keys = ['proxy-ecdsa-key.pem', 'proxy-rsa-key.pem'];
    expect(keys.map((name) => statSync(join(directory, name)).mode & 0o777)).toEqual([0o600, 0o640]);
    const ca = new X509Certificate(read(directory, 'ca-cert.pem'));
    const renewed = new X509Certificate(read(directory, 'proxy-rsa.pem'));
    expect([renewed.verify(ca.publicKey), renewed.checkHost('two.example')]).toEqual([true, 'two.example']);
    expect(readdirSync(directory)).toEqual(FILES);
  });

  it('makes no second authority in the place of half a one', async () => {
    const directory = join(folder, 'half');
    await generate(directory);
    const [certificate, key] = [join(directory, 'ca-cert.pem'), join(directory, 'ca-key.pem')];
    const wrong = read(directory, 'proxy-rsa-key.pem');
    rmSync(key);
    const half = await generate(directory, ['--force']);
    expect([half.status, half.stderr]).toEqual([
      1,
      expect.stringContaining(`${certificate} is there and ${key} is not`),
    ]);
    writeFileSync(key, wrong);
    expect((await generate(directory, ['--force'])).stderr).toContain(
      `${key} is not the key of ${certificate}`,
    );
    rmSync(certificate);
    expect((await generate(directory, ['--force'])).stderr).toContain(
      `${key} is there and ${certificate} is not`,
    );
  });

  it('has a subject as it is asked for', async () => {
    const directory = join(folder, 'subject');
    const subject = 'C=DE,O=Lab\\, Inc.,CN=$proxy';
    const { stdout } = await generate(directory, ['--subject', subject]);
    expect(confOf(stdout).spice.hostSubject).toBe(subject);
    expect(subjectMatches(subject, new X509Certificate(read(directory, 'proxy-rsa.pem')))).toBe(true);
  });

  it.each([
    [['--name', 'not a host'], 'Give a host name or an address.'],
    [['--days', '0'], 'Give whole days from 1'],
    [['--subject', 'nonsense'], '"nonsense" is not a subject'],
  ])('makes nothing of %j', async (args, message) => {
    const directory = join(folder, 'nothing');
    const result = await generate(directory, args);
    expect([result.status, result.stderr]).toEqual([1, expect.stringContaining(message)]);
    expect(existsSync(directory) ? readdirSync(directory) : []).toEqual([]);
  });

  it('says so when there is no openssl', async () => {
    const result = await generate(join(folder, 'without'), [], { PATH: '/absent' });
    expect([result.status, result.stderr]).toEqual([1, expect.stringContaining('the program openssl')]);
  });
});
