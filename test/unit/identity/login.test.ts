// SPDX-License-Identifier: Apache-2.0
// Logging in: the outcomes, the limits per address and per user, and the audit trail.
import { beforeEach, describe, expect, it } from '@jest/globals';
import { Login, type LoginLimits } from '../../../src/identity/login.js';
import type { AuditEntry } from '../../../src/objects/audit-event.js';

interface Bench {
  login: Login;
  trail: string[];
  entries: AuditEntry[];
  verified: number;
}

function bench(limits: Partial<LoginLimits> = {}, users: Record<string, string> = { alice: 'right' }): Bench {
  const made: Bench = { login: undefined as unknown as Login, trail: [], entries: [], verified: 0 };
  const local = {
    any: () => Promise.resolve(Object.keys(users).length > 0),
    verify: async (name: string, password: string) => {
      made.verified += 1;
      await Promise.resolve();
      return users[name] === password ? { name, admin: name === 'alice' } : null;
    },
  };
  const audit = {
    record: (entry: AuditEntry) => {
      made.entries.push(entry);
      made.trail.push(`${entry.source}|${entry.uuid}|${entry.message}`);
      return Promise.resolve();
    },
  };
  made.login = new Login(local, audit, 'node1', { perAddress: 5, perUser: 3, window: 300, ...limits });
  return made;
}

const attempt = (user: string, password: string, address = '192.0.2.1') => ({
  ...{ user, password, address },
  requestId: 'req-1',
});

describe('Login', () => {
  it('accepts the right password and audits the login', async () => {
    const { login, trail } = bench();
    expect(await login.attempt(attempt('alice', 'right'))).toEqual({
      kind: 'accepted',
      user: 'alice',
      admin: true,
    });
    expect(trail).toEqual(['||Login of alice from 192.0.2.1']);
  });

  it('refuses a wrong password and audits the failure without the password', async () => {
    const { login, trail } = bench();
    expect(await login.attempt(attempt('alice', 'hunter2'))).toEqual({ kind: 'refused' });
    expect(trail).toEqual(['||Failed login of alice from 192.0.2.1']);
  });

  it('names the user, the address and the request of each try, beside the sentence', async () => {
    const { login, entries } = bench();
    await login.attempt(attempt('alice', 'right'));
    await login.attempt(attempt('mal\nlory', 'no', '2001:db8::1'));
    const of = (name: string, address: string) => ({
      client_ip: address,
      by: { kind: 'user', name, userId: null, projectId: null, requestId: 'req-1', address },
    });
    expect(entries).toMatchObject([of('alice', '192.0.2.1'), of('mal?lory', '2001:db8::1')]);
  });

  it('keeps line breaks and endless names out of the audit trail', async () => {
    const { login, trail } = bench();
    await login.attempt(attempt(`x\r\n\u2028${'y'.repeat(500)}`, 'p'));
    expect(trail[0]).toMatch(/^\|\|Failed login of x\?\?\?y{60} from 192\.0\.2\.1$/);
  });

  it('says that there is no way to log in when no user exists, and counts nothing', async () => {
    const { login, trail } = bench({ perAddress: 1 }, {});
    for (let i = 0; i < 3; i += 1) {
      expect(await login.attempt(attempt('alice', 'x'))).toEqual({ kind: 'no_method' });
    }
    expect(trail).toEqual([]);
  });

  it('limits the failures for a user from many addresses, and looks at no password afterwards', async () => {
    const made = bench();
    for (let i = 0; i < 3; i += 1) await made.login.attempt(attempt('alice', 'no', `192.0.2.${i}`));
    const late = await made.login.attempt(attempt('ALICE', 'right', '192.0.2.99'));
    expect(late).toEqual({ kind: 'limited', retryAfter: expect.any(Number) });
    expect(late.kind === 'limited' && late.retryAfter > 0 && late.retryAfter <= 300).toBe(true);
    expect(made.verified).toBe(3);
    expect(made.trail).toHaveLength(3);
  });

  it('limits the failures of an address with many user names', async () => {
    const { login } = bench();
    for (let i = 0; i < 5; i += 1) await login.attempt(attempt(`user${i}`, 'no'));
    expect((await login.attempt(attempt('alice', 'right'))).kind).toBe('limited');
    expect((await login.attempt(attempt('alice', 'right', '192.0.2.2'))).kind).toBe('accepted');
  });

  it('holds the limit against attempts in parallel', async () => {
    const made = bench();
    const burst = Array.from({ length: 50 }, () => made.login.attempt(attempt('alice', 'no')));
    const kinds = (await Promise.all(burst)).map((result) => result.kind);
    expect(kinds.filter((kind) => kind === 'refused')).toHaveLength(3);
    expect(made.verified).toBe(3);
  });

  it('never limits users who know their password', async () => {
    const { login } = bench();
    for (let i = 0; i < 20; i += 1) {
      expect((await login.attempt(attempt('alice', 'right'))).kind).toBe('accepted');
    }
  });
});

describe('Login with Keystone', () => {
  const nobody = { any: () => Promise.resolve(false), verify: () => Promise.resolve(null) };
  const trail: string[] = [];
  const audit = {
    record: ({ message }: { message: string }) => {
      trail.push(message);
      return Promise.resolve();
    },
  };
  const limits = { perAddress: 3, perUser: 3, window: 300 };
  beforeEach(() => {
    trail.length = 0;
  });

  it('asks Keystone whom the local users do not know', async () => {
    const keystone = {
      attempt: (credentials: {
        username?: string | undefined;
        password?: { reveal(): string } | undefined;
      }) =>
        Promise.resolve(
          credentials.username === 'alice' && credentials.password?.reveal() === 'right'
            ? ({ kind: 'accepted', user: 'alice@ldap', admin: true, groups: [] } as const)
            : ({ kind: 'refused' } as const),
        ),
    };
    const login = new Login(nobody, audit, 'node1', limits, keystone);
    expect(await login.attempt(attempt('alice', 'right'))).toEqual({
      kind: 'accepted',
      user: 'alice@ldap',
      admin: true,
    });
    expect(await login.attempt(attempt('alice', 'wrong'))).toEqual({ kind: 'refused' });
    expect(trail).toEqual(['Login of alice@ldap from 192.0.2.1', 'Failed login of alice from 192.0.2.1']);
  });

  it('does not ask the local users about what only Keystone can know', async () => {
    const everybody = { ...nobody, verify: (name: string) => Promise.resolve({ name, admin: true }) };
    const keystone = { attempt: () => Promise.resolve({ kind: 'refused' } as const) };
    const login = new Login(everybody, audit, 'node1', limits, keystone);
    const named = { ...attempt('alice', 'x'), keystone: { username: 'alice', projectName: 'demo' } };
    expect(await login.attempt(named)).toEqual({ kind: 'refused' });
    expect(await login.attempt(attempt('alice', 'x'))).toMatchObject({ kind: 'accepted' });
  });

  it('counts no attempt that Keystone did not answer', async () => {
    const keystone = { attempt: () => Promise.reject(new Error('away')) };
    const login = new Login(nobody, audit, 'node1', limits, keystone);
    for (let i = 0; i < 10; i += 1)
      await expect(login.attempt(attempt('alice', 'x'))).rejects.toThrow('away');
  });
});
