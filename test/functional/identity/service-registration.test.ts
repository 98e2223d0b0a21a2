// SPDX-License-Identifier: Apache-2.0
// The service in Keystone: made once, and found the next time.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Secret } from '../../../src/conf/secret.js';
import { KeystoneFault } from '../../../src/identity/keystone-fault.js';
import {
  registerService,
  type Registration,
  type RegistrationStep,
} from '../../../src/identity/service-registration.js';
import { ServiceSession } from '../../../src/identity/service-session.js';
import { FakeKeystone, type Project } from '../../fixtures/keystone.js';

let keystone: FakeKeystone;
let project: Project;
beforeEach(async () => {
  keystone = await FakeKeystone.start();
  project = keystone.directory.addProject('admin');
  keystone.addAccount('admin', 'admin-secret', project, 'admin');
  keystone.addAccount('demo', 'demo-secret', project, 'member');
});
afterEach(() => keystone.close());

const as = (username: string, password: string): ServiceSession =>
  new ServiceSession({
    ...{ authUrl: keystone.url, authType: 'password', username, password: new Secret(password) },
    ...{ projectName: 'admin', timeout: 5 },
  });

const registration = (change: Partial<Registration> = {}): Registration => ({
  type: 'console',
  name: 'kerbside',
  description: 'consoles',
  region: 'RegionTwo',
  endpoints: [
    { interface: 'public', url: 'https://cloud.example.org:13002' },
    { interface: 'internal', url: 'http://192.0.2.1:13002' },
  ],
  user: {
    name: 'kerbside',
    password: new Secret('service-secret'),
    projectName: 'service',
    roles: ['admin', 'service'],
  },
  updatePassword: false,
  ...change,
});

const changes = (steps: readonly RegistrationStep[]): string[] =>
  steps.map(({ resource, change }) => `${resource} ${change}`);
const register = (change?: Partial<Registration>): Promise<RegistrationStep[]> =>
  registerService(as('admin', 'admin-secret'), registration(change));
const login = (password: string): Promise<string> =>
  new ServiceSession({
    ...{ authUrl: keystone.url, authType: 'password', username: 'kerbside', password: new Secret(password) },
    ...{ projectName: 'service', interface: 'public', timeout: 5 },
  }).endpoint('console');

describe('registerService', () => {
  it('puts service, endpoints, user and roles into Keystone', async () => {
    const steps = await register();
    const old = steps.filter(({ change }) => change === 'unchanged').map(({ name }) => name);
    expect(old).toEqual(['admin', 'service']);
    expect(steps.map(({ resource, name }) => `${resource} ${name}`)).toEqual([
      'region RegionTwo',
      'service kerbside',
      'endpoint public https://cloud.example.org:13002',
      'endpoint internal http://192.0.2.1:13002',
      'project service',
      'user kerbside',
      'role admin',
      'assignment kerbside admin in service',
      'role service',
      'assignment kerbside service in service',
    ]);
    expect(await login('service-secret')).toBe('https://cloud.example.org:13002');
  });

  it('changes nothing when it is done again', async () => {
    await register();
    expect(new Set(changes(await register()).map((change) => change.split(' ')[1]))).toEqual(
      new Set(['unchanged']),
    );
  });

  it('follows an endpoint that has another URL, and a password when that is asked for', async () => {
    await register();
    const endpoints = [{ interface: 'public' as const, url: 'https://new.example.org' }];
    expect(changes(await register({ endpoints }))).toContain('endpoint updated');
    const user = { ...registration().user!, password: new Secret('another') };
    expect(changes(await register({ endpoints, user }))).toContain('user unchanged');
    await expect(login('another')).rejects.toThrow(KeystoneFault);
    expect(changes(await register({ endpoints, user, updatePassword: true }))).toContain('user updated');
    expect(await login('another')).toBe('https://new.example.org');
  });

  it('says who may do this when the login may not', async () => {
    const attempt = registerService(as('demo', 'demo-secret'), registration());
    await expect(attempt).rejects.toThrow(/does not allow this login GET; log in as an administrator/);
  });

  it('names a domain that there is not', async () => {
    const user = { ...registration().user!, domainName: 'nowhere' };
    await expect(register({ user })).rejects.toThrow(/has no domain nowhere/);
  });
});
