// SPDX-License-Identifier: Apache-2.0
// Requests to Keystone and the reading of its answers, recorded ones among them.
import { describe, expect, it } from '@jest/globals';
import { Secret } from '../../../src/conf/secret.js';
import {
  applicationCredentialBody,
  identityUrl,
  passwordBody,
  placeOf,
  readGroups,
  readTokenBody,
} from '../../../src/identity/keystone-api.js';
import { recordedAnswer, recordedRequest } from '../../fixtures/openstack-captures.js';

const password = new Secret('***');

describe('identityUrl', () => {
  it.each([
    ['http://k:5000', 'http://k:5000/v3'],
    ['http://k:5000/', 'http://k:5000/v3'],
    ['http://k:5000/v3', 'http://k:5000/v3'],
    ['http://k:5000/v3/', 'http://k:5000/v3'],
    ['http://k:5000/v2.0', 'http://k:5000/v3'],
    ['https://k/identity', 'https://k/identity/v3'],
  ])('of %s is %s', (url, expected) => {
    expect(identityUrl(url)).toBe(expected);
  });
});

describe('the bodies of a login', () => {
  it('are what a real client sent', () => {
    const scope = { projectName: 'admin', projectDomainId: 'default' };
    expect(passwordBody({ username: 'admin', userDomainId: 'default', password }, scope)).toEqual(
      recordedRequest('plain+tls-keystone-auth-tokens').body,
    );
  });

  it('prefer ids to names, and take the default domain where none is named', () => {
    const named = { username: 'a', userId: 'u', projectId: 'p', projectName: 'x', password };
    expect(passwordBody(named, named)).toMatchObject({
      auth: { identity: { password: { user: { id: 'u' } } }, scope: { project: { id: 'p' } } },
    });
    expect(passwordBody({ username: 'a', password, userDomainName: '' }, { projectName: 'x' })).toMatchObject(
      {
        auth: {
          identity: { password: { user: { domain: { id: 'default' } } } },
          scope: { project: { domain: { id: 'default' } } },
        },
      },
    );
  });

  it('have no scope when none is asked for', () => {
    expect(Object.keys(passwordBody({ username: 'a', password }, {})['auth'] as object)).toEqual([
      'identity',
    ]);
    expect(passwordBody({ username: 'a', password }, { systemScope: 'all' })).toMatchObject({
      auth: { scope: { system: { all: true } } },
    });
  });

  it('of an application credential name it by id, or by name and user', () => {
    const secret = new Secret('s');
    expect(applicationCredentialBody({ id: 'i', secret, username: 'a' })).toEqual({
      auth: {
        identity: { methods: ['application_credential'], application_credential: { id: 'i', secret: 's' } },
      },
    });
    expect(applicationCredentialBody({ name: 'n', userId: 'u', secret })).toMatchObject({
      auth: { identity: { application_credential: { name: 'n', user: { id: 'u' }, secret: 's' } } },
    });
  });
});

describe('readTokenBody', () => {
  const recorded = recordedAnswer('plain+tls-keystone-auth-tokens').json;

  it('reads what a real Keystone answered', () => {
    const token = readTokenBody(recorded);
    expect(token).toMatchObject({
      userName: 'admin',
      userDomainId: 'default',
      userDomainName: 'Default',
      projectName: 'admin',
      systemScope: false,
      roles: ['manager', 'reader', 'member', 'admin'],
      accessRules: null,
    });
    expect(token!.expires - token!.issued).toBe(86_400);
    const compute = token!.catalog.filter(({ type }) => type === 'compute');
    expect(compute.map((endpoint) => endpoint.interface).sort()).toEqual(['admin', 'internal', 'public']);
    expect(compute[0]).toMatchObject({ region: 'RegionOne', url: 'http://127.0.0.1:8774/v2.1' });
  });

  it.each([
    undefined,
    null,
    'text',
    [],
    {},
    { token: null },
    { token: { user: {}, expires_at: '2026-01-01T00:00:00Z' } },
    { token: { user: { id: 7 }, expires_at: '2026-01-01T00:00:00Z' } },
    { token: { user: { id: '' }, expires_at: '2026-01-01T00:00:00Z' } },
    { token: { user: { id: 'u' } } },
    { token: { user: { id: 'u' }, expires_at: 'soon' } },
  ])('takes %j for no token', (json) => {
    expect(readTokenBody(json)).toBeUndefined();
  });

  it('reads access rules, and those that cannot be read as allowing nothing', () => {
    const withRules = (rules: unknown): unknown =>
      readTokenBody({
        token: {
          user: { id: 'u' },
          expires_at: '2026-01-01T00:00:00Z',
          application_credential: { access_rules: rules },
        },
      })?.accessRules;
    expect(withRules(undefined)).toBeNull();
    expect(withRules([])).toEqual([]);
    expect(withRules('nonsense')).toEqual([]);
    expect(
      withRules([{ id: 'x', service: 'console', method: 'GET', path: '/**' }, { service: 'y' }]),
    ).toEqual([{ service: 'console', method: 'GET', path: '/**' }]);
  });

  it('passes over endpoints that lead nowhere', () => {
    const endpoints = [{ url: 'ftp://x' }, { url: null }, 7, { url: 'http://x/', interface: 'public' }];
    const token = {
      user: { id: 'u' },
      expires_at: '2026-01-01T00:00:00Z',
      catalog: [{ type: 'c', endpoints }, 1],
    };
    expect(readTokenBody({ token })?.catalog).toEqual([
      { type: 'c', interface: 'public', region: '', url: 'http://x' },
    ]);
  });
});

describe('readGroups', () => {
  it('reads a list, and takes anything else for none', () => {
    const groups = [{ id: 'a', name: 'b', domain_id: 'd' }, { id: 'e' }, { name: 'c' }];
    expect(readGroups({ groups })).toEqual([
      { id: 'a', name: 'b', domainId: 'd' },
      { id: 'e', name: '', domainId: null },
    ]);
    for (const json of [undefined, {}, { groups: {} }, []]) expect(readGroups(json)).toBeUndefined();
  });
});

describe('placeOf', () => {
  it('shows where, and no user, password or query', () => {
    expect(placeOf('https://u:p@k:5000/v3/x?token=y')).toBe('https://k:5000/v3/x');
    expect(placeOf('nonsense')).toBe('(no URL)');
  });
});
