// SPDX-License-Identifier: Apache-2.0
// The CA certificate of .vv files: read at the start, read anew, never lost.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { CaCertificate } from '../../../src/tls/ca-certificate.js';
import { ConfError } from '../../../src/exception.js';
import { Authority, EXPIRED } from '../../fixtures/certificates.js';

// Programs are run: only a hang ends here.
jest.setTimeout(120_000);

const KEY = '-----BEGIN EC PRIVATE KEY-----\nsecret\n-----END EC PRIVATE KEY-----\n';

describe('CaCertificate', () => {
  let folder = '';
  let first = '';
  let second = '';
  let third = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'kerbside-ca-'));
    [first, second, third] = ['first', 'second', 'third'].map((name) => new Authority(folder, name).ca) as [
      string,
      string,
      string,
    ];
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  function file(name: string, ...texts: string[]): string {
    const path = join(folder, name);
    writeFileSync(path, texts.join(''));
    return path;
  }

  it('gives a renewed certificate within a second, and the last good one when the file goes away', async () => {
    const path = file('ca.pem', first);
    let now = 0;
    const later = async (): Promise<string | undefined> => {
      now += 1000;
      return ca.pem();
    };
    const ca = await CaCertificate.load(path, () => now);
    expect(await ca.pem()).toBe(first);
    file('ca.pem', second, '\n');
    now = 999;
    expect(await ca.pem()).toBe(first);
    now = 1000;
    expect(await ca.pem()).toBe(second);
    file('ca.pem', 'half written');
    expect(await later()).toBe(second);
    rmSync(path);
    expect(await later()).toBe(second);
    file('ca.pem', third);
    expect(await later()).toBe(third);
  });

  it('has none without a path', async () => {
    expect(await (await CaCertificate.load('')).pem()).toBeUndefined();
  });

  it.each<[string, () => string, RegExp]>([
    [
      'cannot be read',
      () => join(folder, 'missing.pem'),
      /missing\.pem does not exist; create it or name another one, or leave/,
    ],
    [
      'holds no certificate',
      () => file('text.pem', 'hello\n'),
      /text\.pem holds no PEM certificate; name a PEM file/,
    ],
    [
      'holds one that is damaged',
      () => file('damaged.pem', first, second.replace('\nMII', '\nAAA')),
      /damaged\.pem has a certificate that cannot be read, number 2 of it/,
    ],
    [
      'holds a private key beside the certificates',
      () => file('combined.pem', first, KEY),
      /combined\.pem holds a private key, and clients are given this file; keep the certificates alone/,
    ],
    [
      'holds none that is valid today',
      () => file('old.pem', new Authority(folder, 'old', { dates: EXPIRED }).ca),
      /no certificate of the file .*old\.pem is valid today/,
    ],
  ])('stops the start when the file %s, and says what to do', async (_what, path, message) => {
    const attempt = CaCertificate.load(path());
    await expect(attempt).rejects.toThrow(ConfError);
    await expect(attempt).rejects.toThrow(/^\[spice\] cacert_path: /);
    await expect(attempt).rejects.toThrow(message);
  });

  it('does not take up a file that a key was added to', async () => {
    const path = file('renewed.pem', first);
    let now = 0;
    const ca = await CaCertificate.load(path, () => now);
    file('renewed.pem', KEY, second);
    now = 1000;
    expect(await ca.pem()).toBe(first);
  });

  it('gives the certificates alone of a file that says more', async () => {
    const path = file('printed.pem', 'subject=CN = ca\n', first, '# and the root\n', second);
    expect(await (await CaCertificate.load(path)).pem()).toBe(`${first}${second}`);
  });
});
