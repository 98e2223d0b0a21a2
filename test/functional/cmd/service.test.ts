// SPDX-License-Identifier: Apache-2.0
// kerbside-manage service register, as a deployment tool calls it.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { FakeKeystone } from '../../fixtures/keystone.js';
import type { ProgramResult } from '../../fixtures/program.js';
import { Site } from './site.js';

const site = new Site();
let keystone: FakeKeystone;
beforeAll(async () => {
  keystone = await FakeKeystone.start();
  keystone.addAccount('admin', 'admin-secret', keystone.directory.addProject('admin'), 'admin');
});
afterAll(async () => {
  await site.close();
  await keystone.close();
});

const openrc = (): NodeJS.ProcessEnv => ({
  OS_AUTH_URL: keystone.url,
  OS_USERNAME: 'admin',
  OS_PASSWORD: 'admin-secret',
  OS_PROJECT_NAME: 'admin',
  OS_USER_DOMAIN_NAME: 'Default',
  OS_PROJECT_DOMAIN_NAME: 'Default',
  OS_KEYSTONE_AUTHTOKEN__USERNAME: 'kerbside',
  OS_KEYSTONE_AUTHTOKEN__PASSWORD: 'service-secret',
});
const register = (env: NodeJS.ProcessEnv, ...args: string[]): Promise<ProgramResult> =>
  site.run('manage', ['service', 'register', ...args], env);

describe('kerbside-manage service register', () => {
  it('registers, and tells programs what it did', async () => {
    const args = ['--public-url', 'https://cloud.example.org:13002/', '--format', 'json'];
    const first = await register(openrc(), ...args);
    expect(first).toMatchObject({ status: 0, stderr: '' });
    const steps = JSON.parse(first.stdout) as { resource: string; name: string; change: string }[];
    expect(steps.filter(({ resource }) => resource === 'endpoint')).toMatchObject([
      { name: 'public https://cloud.example.org:13002', change: 'created' },
      { name: 'internal https://cloud.example.org:13002', change: 'created' },
      { name: 'admin https://cloud.example.org:13002', change: 'created' },
    ]);
    const again = JSON.parse((await register(openrc(), ...args)).stdout) as { change: string }[];
    expect(new Set(again.map(({ change }) => change))).toEqual(new Set(['unchanged']));
    expect(first.stdout + first.stderr).not.toContain('secret');
  });

  it.each([
    [[], {}, /--public-url/],
    [['--public-url', 'cloud'], {}, /Give a URL/],
    [
      ['--public-url', 'http://c'],
      { OS_AUTH_URL: '' },
      /\[keystone_authtoken\] auth_url: there is no Keystone/,
    ],
    [
      ['--public-url', 'http://c'],
      { OS_KEYSTONE_AUTHTOKEN__PASSWORD: '' },
      /\[keystone_authtoken\] password: is not set.*--no-user/,
    ],
    [['--public-url', 'http://c'], { OS_PASSWORD: 'wrong' }, /refuses the credentials/],
  ])('%j with %j says what is wrong', async (args, env, message) => {
    const result = await register({ ...openrc(), ...env }, ...args);
    expect(result.status).toBe(1);
    expect(result.stderr).toMatch(message);
  });
});
