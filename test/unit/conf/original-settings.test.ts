// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { connectionOf, settingsOf } from '../../../src/cmd/manage/original-settings.js';
import { loadConf } from '../../../src/conf/index.js';
import { convertSettings } from '../../../src/conf/original-settings.js';

const folder = mkdtempSync(join(tmpdir(), 'kerbside-original-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(text: string): string {
  const path = join(folder, 'settings');
  writeFileSync(path, text);
  return path;
}

const INI = `[kerbside]
# a comment
SQL_URL = mysql+pymysql://kerbside:pa%40ss@db/kerbside
console_token_duration = 5
AUTH_SECRET_SEED = 0123456789abcdef0123456789abcdef
PUBLIC_FQDN = "kerbside.example.com"
VDI_SECURE_PORT: 5898
API_GRPC_WORKERS = 8
`;
const ENVIRONMENT = `export KERBSIDE_SQL_URL='mysql+pymysql://kerbside:pa%40ss@db/kerbside'
KERBSIDE_PUBLIC_FQDN=kerbside.example.com
`;

describe('settings of the original', () => {
  it('become a kerbside.conf that loads without a warning', () => {
    const conf = convertSettings(settingsOf(file(INI)));
    expect(conf).toContain('# KERBSIDE_API_GRPC_WORKERS is not used by this release');
    const path = join(folder, 'kerbside.conf');
    writeFileSync(path, conf);
    const loaded = loadConf({ configFiles: [path], configDirs: [] }, {});
    expect(loaded.warnings).toEqual([]);
    expect(loaded.conf.console.tokenTtl).toBe(300);
    expect(loaded.conf.spice).toMatchObject({ publicFqdn: 'kerbside.example.com', securePort: 5898 });
  });

  it('keep their dollar signs, which stood for nothing', () => {
    const settings = new Map([['AUTH_SECRET_SEED', 'a$$b$host\\$${x}'.padEnd(32, 'x')]]);
    const conf = convertSettings(settings);
    expect(conf).toContain('auth_secret_seed = a$$$$b$$host\\\\$$${x}xxx');
    const path = join(folder, 'dollars.conf');
    writeFileSync(path, conf);
    const loaded = loadConf({ configFiles: [path], configDirs: [] }, {});
    expect(loaded.conf.api.authSecretSeed.reveal()).toBe(settings.get('AUTH_SECRET_SEED'));
  });

  it('give the URL of its database, from each form', () => {
    const url = 'mysql+pymysql://kerbside:pa%40ss@db/kerbside';
    for (const text of [INI, ENVIRONMENT, `${url}\n`]) expect(connectionOf(file(text))).toBe(url);
  });

  it('that name no database, cannot be read or are none are refused by name', () => {
    expect(() => connectionOf(file('[kerbside]\n'))).toThrow(/holds neither SQL_URL nor/);
    expect(() => connectionOf('/nowhere/kerbside.ini')).toThrow(
      '/nowhere/kerbside.ini: cannot be read (ENOENT)',
    );
    expect(() => settingsOf(file('what is this'))).toThrow(/neither "name = value" nor a comment/);
    expect(() => convertSettings(new Map([['CONSOLE_TOKEN_DURATION', 'long']]))).toThrow(
      /whole number of minutes/,
    );
  });
});
