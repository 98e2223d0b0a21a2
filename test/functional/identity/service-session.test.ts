// SPDX-License-Identifier: Apache-2.0
// The service's own login at a Keystone on the wire: logging in, again in time, the catalog, and everything that a
// Keystone or the way to it can do wrong, each with its own fault and within the deadline.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Secret } from '../../../src/conf/secret.js';
import { StartupError } from '../../../src/exception.js';
import { KeystoneFault } from '../../../src/identity/keystone-fault.js';
import { ServiceSession, type KeystoneAuthOptions } from '../../../src/identity/service-session.js';
import { Authority } from '../../fixtures/certificates.js';
import { FakeKeystone, type Project, type User } from '../../fixtures/keystone.js';
import type { WireFault } from '../../fixtures/wire-server.js';

const PASSWORD = 'the password of the service';
const LOGIN = /^POST \/v3\/auth\/tokens/;

let keystone: FakeKeystone;
let project: Project;
let user: User;

beforeEach(async () => {
  keystone = await FakeKeystone.start();
  project = keystone.directory.addProject('service');
  user = keystone.addAccount('kerbside', PASSWORD, project, 'service');
});
afterEach(() => keystone.close());

function options(change: Partial<KeystoneAuthOptions> = {}): KeystoneAuthOptions {
  return {
    authUrl: keystone.url,
    authType: 'password',
    username: 'kerbside',
    password: new Secret(PASSWORD),
    userDomainName: 'Default',
    projectName: 'service',
    projectDomainId: 'default',
    timeout: 2,
    ...change,
  };
}

async function faultOf(work: Promise<unknown>): Promise<KeystoneFault> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof KeystoneFault)) throw new Error('there was no KeystoneFault', { cause: error });
  expect(JSON.stringify([error.message, error.stack, error.cause])).not.toContain(PASSWORD);
  return error;
}

describe('the login', () => {
  it('is one request, however many need the token at once', async () => {
    const session = new ServiceSession(options());
    const tokens = await Promise.all([session.token(), session.token(), session.token()]);
    expect(new Set(tokens).size).toBe(1);
    expect(keystone.directory.validToken(tokens[0])).toMatchObject({ userId: user.id });
    expect(keystone.server.seen(LOGIN)).toHaveLength(1);
  });

  it('works with an auth_url without its version', async () => {
    const session = new ServiceSession(options({ authUrl: `${keystone.server.origin}/` }));
    expect(keystone.directory.validToken(await session.token())).toBeDefined();
  });

  it('works with ids instead of names', async () => {
    const session = new ServiceSession(
      options({ username: '', userId: user.id, projectName: '', projectId: project.id }),
    );
    expect(keystone.directory.validToken(await session.token())?.scope).toEqual({
      kind: 'project',
      projectId: project.id,
    });
  });

  it('works for the whole deployment', async () => {
    keystone.directory.grant(user, 'system', 'admin');
    const session = new ServiceSession(options({ systemScope: 'all' }));
    expect(keystone.directory.validToken(await session.token())?.scope).toEqual({ kind: 'system' });
  });

  it.each(['id', 'name'] as const)('works with an application credential by %s', async (by) => {
    const { id, name, secret } = keystone.directory.addApplicationCredential(user, project);
    const named =
      by === 'id'
        ? { applicationCredentialId: id }
        : { applicationCredentialName: name, username: 'kerbside' };
    const session = new ServiceSession({
      authUrl: keystone.url,
      authType: 'v3applicationcredential',
      applicationCredentialSecret: new Secret(secret),
      timeout: 2,
      ...named,
    });
    expect(keystone.directory.validToken(await session.token())?.applicationCredentialId).toBe(id);
  });

  it('is done again when the token was refused, and only for that token', async () => {
    const session = new ServiceSession(options());
    const first = await session.token();
    session.invalidate('another');
    expect(await session.token()).toBe(first);
    session.invalidate(first);
    expect(await session.token()).not.toBe(first);
  });

  it('is done again before the token ends', async () => {
    keystone.directory.tokenSeconds = 3600;
    let now = 1000;
    const session = new ServiceSession(options(), () => now);
    const first = await session.token();
    now += 3569;
    expect(await session.token()).toBe(first);
    now += 2;
    expect(await session.token()).not.toBe(first);
  });

  it.each([-86_400_000, 86_400_000])(
    'is not done for every request when the clocks differ by %s ms',
    async (skew) => {
      keystone.directory.clock = () => Date.now() + skew;
      const session = new ServiceSession(options());
      expect(await session.token()).toBe(await session.token());
      expect(keystone.server.seen(LOGIN)).toHaveLength(1);
    },
  );

  it('that is refused is not tried again at once, so that the account is not locked', async () => {
    let now = 1000;
    const session = new ServiceSession(options({ password: new Secret('wrong') }), () => now);
    expect(await faultOf(session.token())).toMatchObject({ kind: 'credentials' });
    await faultOf(session.token());
    expect(keystone.server.seen(LOGIN)).toHaveLength(1);
    now += 6;
    await faultOf(session.token());
    expect(keystone.server.seen(LOGIN)).toHaveLength(2);
  });
});

describe('the catalog', () => {
  it('gives the endpoint of an interface and a region', async () => {
    const { directory } = keystone;
    directory.addService('compute', 'nova', { public: 'http://p/v2.1/', internal: 'http://i/v2.1' });
    directory.addService('compute', 'nova', { internal: 'http://i2/v2.1' }, 'RegionTwo');
    const session = new ServiceSession(options());
    expect(await session.endpoint('compute')).toBe('http://i/v2.1');
    expect(await session.endpoint('compute', 'public')).toBe('http://p/v2.1');
    expect(await session.endpoint('compute', 'publicURL')).toBe('http://p/v2.1');
    expect(await session.endpoint('compute', 'internal', 'RegionTwo')).toBe('http://i2/v2.1');
    const two = new ServiceSession(options({ regionName: 'RegionTwo', interface: 'internal' }));
    expect(await two.endpoint('compute')).toBe('http://i2/v2.1');
  });

  it('without the service is a fault that says what was looked for', async () => {
    const session = new ServiceSession(options({ regionName: 'Nowhere' }));
    const fault = await faultOf(session.endpoint('compute', 'public'));
    expect(fault.kind).toBe('catalog');
    expect(fault.message).toMatch(/has no public endpoint of type compute in region Nowhere$/);
  });

  it('without identity leads to auth_url', async () => {
    keystone.directory.removeService('identity');
    expect(await new ServiceSession(options()).identityUrl()).toBe(keystone.url);
  });
});

describe('a Keystone that does not do its part', () => {
  it.each<[WireFault, string]>([
    [{ kind: 'status', status: 500 }, 'answer'],
    [{ kind: 'status', status: 503 }, 'answer'],
    [{ kind: 'html', status: 200 }, 'answer'],
    [{ kind: 'html', status: 502 }, 'answer'],
    [{ kind: 'garbage' }, 'answer'],
    [{ kind: 'json', body: { token: {} }, status: 201 }, 'answer'],
    [{ kind: 'json', body: [], status: 201 }, 'answer'],
    [{ kind: 'huge', bytes: 5_000_000 }, 'answer'],
    [{ kind: 'nothing' }, 'unreachable'],
    [{ kind: 'cut' }, 'answer'],
    [{ kind: 'hang' }, 'timeout'],
    [{ kind: 'trickle' }, 'timeout'],
  ])('%j is a fault of kind %s, within the deadline', async (fault, kind) => {
    keystone.server.fault(LOGIN, fault);
    // Long enough for five megabytes, and for a login afterwards, on a busy machine; a deadline that is not kept is found by the test's own.
    const session = new ServiceSession(options({ timeout: kind === 'timeout' ? 2 : 5 }));
    expect((await faultOf(session.token())).kind).toBe(kind);
    keystone.server.heal();
    expect(keystone.directory.validToken(await session.token())).toBeDefined();
  });

  it.each([301, 302, 307, 308])(
    'a redirect (%s) is not followed: the password goes nowhere else',
    async (status) => {
      const elsewhere = await FakeKeystone.start();
      keystone.server.fault(LOGIN, { kind: 'redirect', location: `${elsewhere.url}/auth/tokens`, status });
      const fault = await faultOf(new ServiceSession(options()).token());
      expect(fault.message).toContain(`status ${status}; redirects are not followed`);
      expect(elsewhere.server.requests).toEqual([]);
      await elsewhere.close();
    },
  );

  it('that is away is waited for a moment, and back at once', async () => {
    await keystone.server.pause();
    const session = new ServiceSession(options({ retries: 3 }));
    const waiting = session.token();
    await keystone.server.resume();
    expect(keystone.directory.validToken(await waiting)).toBeDefined();

    await keystone.server.pause();
    const fault = await faultOf(new ServiceSession(options({ retries: 0 })).token());
    expect(fault.message).toMatch(/unreachable|ECONNREFUSED/);
    await keystone.server.resume();
  });
});

describe('TLS', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kerbside-keystone-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('is checked against the CA that the operator names', async () => {
    const authority = new Authority(folder, 'keystone');
    const { cert, key } = authority.issue();
    const secure = await FakeKeystone.start({ tls: { cert, key } });
    secure.addAccount('kerbside', PASSWORD, secure.directory.addProject('service'), 'service');
    const cafile = authority.caPath;
    const at = { authUrl: secure.url };
    expect((await faultOf(new ServiceSession(options(at)).token())).kind).toBe('tls');
    expect(secure.server.requests).toEqual([]);
    for (const trust of [{ cafile }, { ca: authority.ca }, { insecure: true }]) {
      const session = new ServiceSession(options({ ...at, ...trust }));
      expect(secure.directory.validToken(await session.token())).toBeDefined();
    }
    await secure.close();
  });

  it('with a CA file that cannot be read is a fault of the configuration', () => {
    expect(() => new ServiceSession(options({ cafile: join(folder, 'absent.pem') }))).toThrow(StartupError);
  });
});
