// SPDX-License-Identifier: Apache-2.0
// The CA certificate of .vv files: read at the start, read anew, never lost.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CaCertificate } from '../../../src/tls/ca-certificate.js';
import { StartupError } from '../../../src/exception.js';

const pem = (text: string): string => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`;
const KEY = '-----BEGIN EC PRIVATE KEY-----\nsecret\n-----END EC PRIVATE KEY-----\n';

describe('CaCertificate', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kerbside-ca-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('gives a renewed certificate within a second, and the last good one when the file goes away', async () => {
    const path = join(folder, 'ca.pem');
    let now = 0;
    const later = async (): Promise<string | undefined> => {
      now += 1000;
      return ca.pem();
    };
    await writeFile(path, pem('first'));
    const ca = await CaCertificate.load(path, () => now);
    expect(await ca.pem()).toBe(pem('first'));
    await writeFile(path, pem('the second'));
    now = 999;
    expect(await ca.pem()).toBe(pem('first'));
    now = 1000;
    expect(await ca.pem()).toBe(pem('the second'));
    await writeFile(path, 'half written');
    expect(await later()).toBe(pem('the second'));
    await rm(path);
    expect(await later()).toBe(pem('the second'));
    await writeFile(path, pem('a third one'));
    expect(await later()).toBe(pem('a third one'));
  });

  it('has none without a path', async () => {
    expect(await (await CaCertificate.load('')).pem()).toBeUndefined();
  });

  it('stops the start when the file cannot be read, and names it', async () => {
    const path = join(folder, 'missing.pem');
    const attempt = CaCertificate.load(path);
    await expect(attempt).rejects.toThrow(StartupError);
    await expect(attempt).rejects.toThrow(path);
  });

  it('stops the start when the file holds no certificate, and names it', async () => {
    const path = join(folder, 'text.pem');
    await writeFile(path, 'hello\n');
    await expect(CaCertificate.load(path)).rejects.toThrow(`${path} (it holds no PEM certificate)`);
  });

  it('stops the start when a private key lies beside the certificates, and says what to do', async () => {
    const path = join(folder, 'combined.pem');
    await writeFile(path, `${pem('first')}${KEY}`);
    const attempt = CaCertificate.load(path);
    await expect(attempt).rejects.toThrow(`${path} (it holds a private key`);
    await expect(attempt).rejects.toThrow('keep the certificates alone');
  });

  it('does not take up a file that a key was added to', async () => {
    const path = join(folder, 'renewed.pem');
    let now = 0;
    await writeFile(path, pem('first'));
    const ca = await CaCertificate.load(path, () => now);
    await writeFile(path, `${KEY}${pem('the second')}`);
    now = 1000;
    expect(await ca.pem()).toBe(pem('first'));
  });

  it('gives the certificates alone of a file that says more', async () => {
    const path = join(folder, 'printed.pem');
    await writeFile(path, `subject=CN = ca\n${pem('first')}# and the root\n${pem('second')}`);
    expect(await (await CaCertificate.load(path)).pem()).toBe(`${pem('first')}${pem('second')}`);
  });
});
