// SPDX-License-Identifier: Apache-2.0
// Logging in to Kerbside as one of Keystone's users: passwords of any domain and project, application credentials, the
// access group and the admin group, and a service that may not look them up.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Secret } from '../../../src/conf/secret.js';
import { GroupMissing, KeystoneLogin, type KeystoneGroups } from '../../../src/identity/keystone-login.js';
import { ServiceSession } from '../../../src/identity/service-session.js';
import { FakeKeystone, type Group, type Project, type User } from '../../fixtures/keystone.js';

const password = new Secret('the right password');
const refused = { kind: 'refused' };
let keystone: FakeKeystone;
let project: Project;
let alice: User;
let access: Group;

beforeEach(async () => {
  keystone = await FakeKeystone.start();
  keystone.addAccount('kerbside', 'secret', keystone.directory.addProject('service'), 'admin');
  project = keystone.directory.addProject('demo');
  alice = keystone.addAccount('alice', password.reveal(), project, 'member');
  access = keystone.directory.addGroup('kerbside', [alice]);
});
afterEach(() => keystone.close());

function aLogin(change: Partial<KeystoneGroups> = {}): KeystoneLogin {
  const session = new ServiceSession({
    authUrl: keystone.url,
    authType: 'password',
    username: 'kerbside',
    password: new Secret('secret'),
    projectName: 'service',
    timeout: 2,
  });
  return new KeystoneLogin(session, {
    accessGroup: 'kerbside',
    adminGroup: '',
    groupDomainId: 'default',
    ...change,
  });
}

describe('a member of the access group', () => {
  it('gets in, without a project and with one', async () => {
    const accepted = {
      kind: 'accepted',
      user: 'alice',
      admin: false,
      groups: ['kerbside', expect.any(String)],
    };
    expect(await aLogin().attempt({ username: 'alice', password })).toEqual(accepted);
    const scopes = [{ projectName: 'demo' }, { projectId: project.id }, { userDomainName: 'Default' }];
    for (const scope of scopes) {
      expect(await aLogin().attempt({ username: 'alice', password, ...scope })).toEqual(accepted);
    }
  });

  it('is refused with a wrong password, an unknown name, and a project without a role', async () => {
    keystone.directory.addProject('other');
    const login = aLogin();
    const wrong = new Secret('wrong');
    expect(await login.attempt({ username: 'alice', password: wrong })).toEqual(refused);
    expect(await login.attempt({ username: 'nobody', password })).toEqual(refused);
    expect(await login.attempt({ username: 'alice', password, projectName: 'other' })).toEqual(refused);
    expect(await login.attempt({ username: 'alice', password, userDomainId: 'nowhere' })).toEqual(refused);
    alice.enabled = false;
    expect(await login.attempt({ username: 'alice', password })).toEqual(refused);
  });

  it('of another domain keeps that domain in the name', async () => {
    const domain = keystone.directory.addDomain('ldap');
    const theirs = keystone.directory.addUser('alice', password.reveal(), domain.id);
    const credentials = { username: 'alice', password, userDomainName: 'ldap' };
    expect(await aLogin().attempt(credentials)).toEqual(refused);
    access.members.add(theirs.id);
    expect(await aLogin().attempt(credentials)).toMatchObject({ kind: 'accepted', user: 'alice@ldap' });
  });

  it('gets in with an application credential, by id and by name, but not with one that has access rules', async () => {
    const { directory } = keystone;
    const { id, secret } = directory.addApplicationCredential(alice, project, { name: 'cli' });
    const given = { applicationCredentialSecret: new Secret(secret) };
    const login = aLogin();
    expect(await login.attempt({ applicationCredentialId: id, ...given })).toMatchObject({ user: 'alice' });
    const byName = { applicationCredentialName: 'cli', username: 'alice', ...given };
    expect(await login.attempt(byName)).toMatchObject({ user: 'alice' });
    const bad = { applicationCredentialId: id, applicationCredentialSecret: new Secret('wrong') };
    expect(await login.attempt(bad)).toEqual(refused);
    const ruled = directory.addApplicationCredential(alice, project, {
      accessRules: [{ service: 'compute', method: 'GET', path: '/**' }],
    });
    const limited = {
      applicationCredentialId: ruled.id,
      applicationCredentialSecret: new Secret(ruled.secret),
    };
    expect(await login.attempt(limited)).toEqual(refused);
  });
});

describe('the groups', () => {
  it('let nobody else in', async () => {
    keystone.addAccount('bob', password.reveal(), project, 'member', 'admin');
    expect(await aLogin().attempt({ username: 'bob', password })).toEqual(refused);
  });

  it('make administrators of the members of both', async () => {
    const admins = keystone.directory.addGroup('wheel');
    const login = aLogin({ adminGroup: 'wheel' });
    expect(await login.attempt({ username: 'alice', password })).toMatchObject({ admin: false });
    admins.members.add(alice.id);
    expect(await login.attempt({ username: 'alice', password })).toMatchObject({ admin: true });
    access.members.clear();
    expect(await login.attempt({ username: 'alice', password })).toEqual(refused);
  });

  it('of the same name in another domain do not count, unless any domain may', async () => {
    const domain = keystone.directory.addDomain('theirs');
    const mallory = keystone.addAccount('mallory', password.reveal(), project, 'member');
    keystone.directory.addGroup('kerbside', [mallory], domain.id);
    expect(await aLogin().attempt({ username: 'mallory', password })).toEqual(refused);
    const any = aLogin({ groupDomainId: '' });
    expect(await any.attempt({ username: 'mallory', password })).toMatchObject({ kind: 'accepted' });
  });

  it('that do not exist are a fault of the set-up; an empty name is nobody', async () => {
    await expect(aLogin({ accessGroup: 'absent' }).attempt({ username: 'alice', password })).rejects.toThrow(
      GroupMissing,
    );
    expect(await aLogin({ accessGroup: '' }).attempt({ username: 'alice', password })).toEqual(refused);
    expect(await aLogin({ adminGroup: 'absent' }).attempt({ username: 'alice', password })).toMatchObject({
      admin: false,
    });
  });
});

describe('the service', () => {
  it('without the right to look up groups is a fault of the set-up', async () => {
    keystone.server.fault(/^GET \/v3\/groups/, { kind: 'status', status: 403 });
    await expect(aLogin().attempt({ username: 'alice', password })).rejects.toMatchObject({
      kind: 'credentials',
    });
  });

  it('logs in again when its token does not count any more', async () => {
    const login = aLogin();
    await login.attempt({ username: 'alice', password });
    const { directory } = keystone;
    directory.revokeTokens(() => true);
    expect(await login.attempt({ username: 'alice', password })).toMatchObject({ kind: 'accepted' });
  });

  it('does not take a page of a balancer for an answer', async () => {
    keystone.server.fault(/^GET \/v3\/users/, { kind: 'html', status: 200 });
    await expect(aLogin().attempt({ username: 'alice', password })).rejects.toMatchObject({ kind: 'answer' });
  });
});
