// SPDX-License-Identifier: Apache-2.0
// Tokens of users, validated at a Keystone on the wire: what counts, for how long it is remembered, what a Keystone
// that is away or wrong means, and clocks that differ.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Secret } from '../../../src/conf/secret.js';
import { KeystoneFault } from '../../../src/identity/keystone-fault.js';
import { ServiceSession } from '../../../src/identity/service-session.js';
import { TokenValidator, type TokenValidatorOptions } from '../../../src/identity/token-validator.js';
import { FakeKeystone, type Project, type User } from '../../fixtures/keystone.js';
import { WireServer, type WireAnswer, type WireFault, type WireRequest } from '../../fixtures/wire-server.js';

const VALIDATION = /^GET \/v3\/auth\/tokens/;

let keystone: FakeKeystone;
let project: Project;
let user: User;
let now: number;

beforeEach(async () => {
  keystone = await FakeKeystone.start();
  const services = keystone.directory.addProject('service');
  keystone.addAccount('kerbside', 'secret', services, 'service');
  project = keystone.directory.addProject('demo');
  user = keystone.addAccount('alice', 'secret', project, 'member', 'Reader');
  now = Date.now() / 1000;
});
afterEach(() => keystone.close());

function aValidator(change: Partial<TokenValidatorOptions> = {}): TokenValidator {
  const session = new ServiceSession({
    authUrl: keystone.url,
    authType: 'password',
    username: 'kerbside',
    password: new Secret('secret'),
    projectName: 'service',
    timeout: 2,
  });
  const options: TokenValidatorOptions = {
    tokenCacheTime: 300,
    revocationCacheTime: 10,
    serviceTokenRoles: ['service'],
    serviceTokenRolesRequired: true,
    serviceType: 'console',
    timeout: 2,
    ...change,
  };
  return new TokenValidator(session, options, () => now);
}

const issue = (seconds?: number): string => keystone.directory.issue(user, project, seconds).value;
const asked = (): number => keystone.server.seen(VALIDATION).length;

describe('a token', () => {
  it('that is good says who and where', async () => {
    expect(await aValidator().validate(` ${issue()} `)).toMatchObject({
      userId: user.id,
      userName: 'alice',
      userDomainId: 'default',
      projectId: project.id,
      projectName: 'demo',
      roles: ['member', 'reader'],
      systemScope: false,
      accessRules: null,
    });
  });

  it('of the whole deployment, of a domain and without scope has no project', async () => {
    const { directory } = keystone;
    directory.grant(user, 'system', 'admin');
    const validator = aValidator();
    expect(await validator.validate(directory.issue(user, 'system').value)).toMatchObject({
      projectId: null,
      systemScope: true,
      roles: ['admin'],
    });
    const domain = directory.addDomain('other');
    expect(await validator.validate(directory.issue(user, domain).value)).toMatchObject({
      projectId: null,
      systemScope: false,
    });
    expect(await validator.validate(directory.issue(user, 'none').value)).toMatchObject({
      projectId: null,
      roles: [],
    });
  });

  it('that is unknown, expired, revoked or of another Keystone does not count, and is asked for every time', async () => {
    const validator = aValidator();
    const other = await FakeKeystone.start({ region: 'RegionTwo' });
    const theirs = other.directory.issue(other.directory.addUser('alice', 'x'), 'none').value;
    const revoked = issue();
    keystone.directory.revoke(revoked);
    for (const token of ['unknown', issue(-5), revoked, theirs]) {
      expect(await validator.validate(token)).toBeNull();
      expect(await validator.validate(token)).toBeNull();
    }
    expect(asked()).toBe(8);
    await other.close();
  });

  it.each([
    ['nothing', ''],
    ['white space', ' \t '],
    ['a space inside', 'gAAAAA bbb'],
    ['another line', 'gAAAAA\r\nX-Auth-Token: x'],
    ['a NUL', 'gAAAAA\0'],
    ['letters that no header carries', 'gAAAÄÄ'],
    ['10 MB', 'x'.repeat(10 * 1024 * 1024)],
    ['a byte too much', 'x'.repeat(8193)],
  ])('that is malformed (%s) is refused without a word to Keystone', async (_what, token) => {
    expect(await aValidator().validate(token)).toBeNull();
    expect(keystone.server.requests).toEqual([]);
  });

  it('that Keystone calls unreadable is refused', async () => {
    keystone.server.fault(VALIDATION, { kind: 'status', status: 400 });
    expect(await aValidator().validate('x')).toBeNull();
  });
});

describe('the memory', () => {
  it('answers at once within the revocation bound, and asks again after it', async () => {
    const validator = aValidator();
    const token = issue();
    await validator.validate(token);
    now += 9;
    expect(await validator.validate(token)).not.toBeNull();
    expect(asked()).toBe(1);
    now += 2;
    expect(await validator.validate(token)).not.toBeNull();
    expect(asked()).toBe(2);
  });

  it.each<[string, (token: string) => void]>([
    ['revoked', (token) => keystone.directory.revoke(token)],
    ['of a user who was disabled', () => (user.enabled = false)],
    ['of a user who lost the roles', () => keystone.directory.ungrant(user, project)],
  ])('does not keep a token alive that is %s', async (_what, change) => {
    const validator = aValidator();
    const token = issue();
    await validator.validate(token);
    change(token);
    now += 11;
    expect(await validator.validate(token)).toBeNull();
    now -= 11;
    expect(await validator.validate(token)).toBeNull();
  });

  it('asks once for many who come at once', async () => {
    const validator = aValidator();
    const token = issue();
    await Promise.all(Array.from({ length: 50 }, () => validator.validate(token)));
    expect(asked()).toBe(1);
  });

  it('forgets a token at its own end', async () => {
    const validator = aValidator({ revocationCacheTime: 1000, tokenCacheTime: 1000 });
    const token = issue(60);
    await validator.validate(token);
    now += 61;
    keystone.directory.clock = () => now * 1000;
    expect(await validator.validate(token)).toBeNull();
  });

  it.each([-1, 0])('is off with token_cache_time %s', async (tokenCacheTime) => {
    const validator = aValidator({ tokenCacheTime });
    const token = issue();
    await validator.validate(token);
    await validator.validate(token);
    expect(asked()).toBe(2);
  });

  it('is not made young again by a clock that was set back', async () => {
    const validator = aValidator();
    const token = issue();
    await validator.validate(token);
    now -= 100;
    await validator.validate(token);
    expect(asked()).toBe(2);
  });
});

describe('a Keystone that is away', () => {
  it('is no reason to refuse a token that it called good less than token_cache_time ago', async () => {
    const validator = aValidator();
    const token = issue();
    await validator.validate(token);
    await keystone.server.pause();
    now += 299;
    expect(await validator.validate(token)).toMatchObject({ userName: 'alice' });
    now += 2;
    await expect(validator.validate(token)).rejects.toThrow(KeystoneFault);
    await keystone.server.resume();
    expect(await validator.validate(token)).toMatchObject({ userName: 'alice' });
  });

  it('or hangs holds up those whom it knows once, for two seconds at most, and is asked again after a while', async () => {
    // Whoever waited for Keystone itself would wait for longer than a test may take.
    const validator = aValidator({ timeout: 3600 });
    const [first, second] = [issue(), issue()];
    await validator.validate(first);
    await validator.validate(second);
    keystone.server.forget();
    keystone.server.fault(VALIDATION, { kind: 'hang' });
    now += 11;
    for (const token of [first, first, second, first]) expect(await validator.validate(token)).not.toBeNull();
    expect(asked()).toBe(1);
    keystone.server.heal();
    keystone.directory.revoke(second);
    now += 6;
    expect(await validator.validate(second)).toBeNull();
  });

  it.each<[WireFault, string]>([
    [{ kind: 'status', status: 500 }, 'answer'],
    [{ kind: 'status', status: 503 }, 'answer'],
    [{ kind: 'html', status: 200 }, 'answer'],
    [{ kind: 'garbage' }, 'answer'],
    [{ kind: 'json', body: { token: { user: {} } } }, 'answer'],
    [{ kind: 'json', body: null }, 'answer'],
    [{ kind: 'redirect', location: 'http://127.0.0.1:1/' }, 'answer'],
    [{ kind: 'huge', bytes: 5_000_000 }, 'answer'],
    [{ kind: 'nothing' }, 'unreachable'],
    [{ kind: 'hang' }, 'timeout'],
    [{ kind: 'trickle' }, 'timeout'],
    [{ kind: 'status', status: 403 }, 'credentials'],
    [{ kind: 'status', status: 401 }, 'credentials'],
  ])(
    'or answers %j is a fault of kind %s, within the deadline, without the token in it',
    async (fault, kind) => {
      keystone.server.fault(VALIDATION, fault);
      const token = issue();
      const error: unknown = await aValidator({ timeout: kind === 'timeout' ? 0.5 : 20 })
        .validate(token)
        .catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(KeystoneFault);
      expect(error).toMatchObject({ kind });
      expect(JSON.stringify([(error as Error).message, (error as Error).cause])).not.toContain(token);
    },
  );

  it('for the login of the service too costs one deadline, not one for each step', async () => {
    keystone.server.fault(/POST/, { kind: 'slow', milliseconds: 1800 });
    keystone.server.fault(VALIDATION, { kind: 'hang' });
    const attempt = aValidator({ timeout: 2 }).validate(issue()).then(String, String);
    // Beside a timer of the same process, which a busy machine makes late as well.
    expect(await Promise.race([attempt, sleep(3500, 'more than one deadline')])).toContain('within 2 s');
  });
});

describe('the token of the service', () => {
  it('that Keystone does not know any more is replaced, and the user notices nothing', async () => {
    const validator = aValidator();
    await validator.validate(issue());
    const { directory } = keystone;
    directory.revokeTokens(({ userId }) => directory.users.get(userId)?.name === 'kerbside');
    expect(await validator.validate(issue())).toMatchObject({ userName: 'alice' });
    expect(keystone.server.seen(/^POST/)).toHaveLength(2);
  });
});

describe('clocks that differ', () => {
  /** A Keystone whose machine is wrong about the time, its web server included. */
  function skewedKeystone(skew: number): Promise<WireServer> {
    const at = (seconds: number): string => new Date((now + skew + seconds) * 1000).toISOString();
    const body = (): unknown => ({
      token: {
        user: { id: 'u', name: 'alice' },
        expires_at: at(600),
        issued_at: at(0),
        roles: [],
        catalog: [],
      },
    });
    const answer = (request: WireRequest): WireAnswer => ({
      status: request.method === 'POST' ? 201 : 200,
      headers: { Date: new Date((now + skew) * 1000).toUTCString(), 'X-Subject-Token': 'own' },
      body: body(),
    });
    return WireServer.start(answer, (status) => ({ status }));
  }

  it.each([-7200, 0, 7200])('by %s s neither end nor prolong a token', async (skew) => {
    const server = await skewedKeystone(skew);
    const session = new ServiceSession({
      authUrl: server.origin,
      authType: 'password',
      username: 'kerbside',
      password: new Secret('secret'),
      timeout: 2,
    });
    const options = { tokenCacheTime: 9000, revocationCacheTime: 9000, serviceTokenRoles: ['service'] };
    const validator = new TokenValidator(
      session,
      { ...options, serviceTokenRolesRequired: true, serviceType: '', timeout: 2 },
      () => now,
    );
    await validator.validate('theirs');
    now += 590;
    await validator.validate('theirs');
    expect(server.seen(VALIDATION)).toHaveLength(1);
    now += 15;
    await validator.validate('theirs');
    expect(server.seen(VALIDATION)).toHaveLength(2);
    await server.close();
  });
});

describe('X-Service-Token', () => {
  let service: string;
  beforeEach(() => {
    const nova = keystone.addAccount('nova', 'x', keystone.directory.addProject('services'), 'service');
    service = keystone.directory.issue(nova, [...keystone.directory.projects.values()].at(-1)!).value;
  });

  it('lets an expired token count', async () => {
    const validator = aValidator();
    const expired = issue(-60);
    expect(await validator.validate(expired)).toBeNull();
    expect(await validator.validate(expired, { serviceToken: service })).toMatchObject({ userName: 'alice' });
    expect(await validator.validate(expired)).toBeNull();
  });

  it('lets no revoked token count', async () => {
    const revoked = issue();
    keystone.directory.revoke(revoked);
    expect(await aValidator().validate(revoked, { serviceToken: service })).toBeNull();
  });

  it('must itself be good and have one of the roles', async () => {
    const validator = aValidator();
    const token = issue();
    expect(await validator.validate(token, { serviceToken: 'garbage' })).toBeNull();
    expect(await validator.validate(token, { serviceToken: issue() })).toBeNull();
    expect(await validator.validate(token, { serviceToken: '' })).not.toBeNull();
    const lax = aValidator({ serviceTokenRolesRequired: false });
    expect(await lax.validate(issue(-60), { serviceToken: issue() })).not.toBeNull();
  });
});

describe('access rules of application credentials', () => {
  async function tokenWith(rules: { service: string; method: string; path: string }[]): Promise<string> {
    const { id, secret } = keystone.directory.addApplicationCredential(user, project, { accessRules: rules });
    const identity = { methods: ['application_credential'], application_credential: { id, secret } };
    const answer = await fetch(`${keystone.url}/auth/tokens`, {
      method: 'POST',
      body: JSON.stringify({ auth: { identity } }),
    });
    return answer.headers.get('x-subject-token')!;
  }

  it('let pass what they name, remembered or not', async () => {
    const token = await tokenWith([{ service: 'console', method: 'GET', path: '/console/*/audit' }]);
    const validator = aValidator();
    expect(await validator.validate(token, { method: 'POST', path: '/console/x/audit' })).toBeNull();
    expect(await validator.validate(token, { method: 'GET', path: '/console/x/audit' })).not.toBeNull();
    expect(await validator.validate(token, { method: 'GET', path: '/console' })).toBeNull();
    expect(await validator.validate(token)).toBeNull();
    expect(asked()).toBe(1);
  });

  it('let nothing pass when there are none, or when nobody knows which service this is', async () => {
    const use = { method: 'GET', path: '/console' };
    expect(await aValidator().validate(await tokenWith([]), use)).toBeNull();
    const all = await tokenWith([{ service: 'console', method: 'GET', path: '/**' }]);
    expect(await aValidator({ serviceType: '' }).validate(all, use)).toBeNull();
    expect(await aValidator().validate(all, use)).not.toBeNull();
  });
});
