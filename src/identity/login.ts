// SPDX-License-Identifier: Apache-2.0
// Logging in with a local user or one of Keystone's: who may try, how often, and what is written down about it.
// Local users come first, so that they get in whatever Keystone does. Failures are counted per client address and per
// user name; a success, and an unavailable Keystone, do not count. The counters are this process's own: n
// processes behind a balancer allow n times as many.
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { Secret } from '../conf/secret.js';
import { networkOf } from '../net/address.js';
import type { AuditEntry } from '../objects/audit-event.js';
import type { KeystoneCredentials, KeystoneLoginResult } from './keystone-login.js';

/** What logging in needs of the local users. */
export interface LocalUsers {
  /** Whether any user exists. */
  any(): Promise<boolean>;
  /** The user when the password is right, else null, in the same time. */
  verify(
    name: string,
    password: string,
  ): Promise<{ name: string; admin: boolean; groups?: readonly string[] } | null>;
}

/** What logging in needs of the audit trail. */
export interface LoginAudit {
  record(entry: AuditEntry): Promise<void>;
}

/** [api] login_attempts_per_address, login_attempts_per_user and login_window (seconds). */
export interface LoginLimits {
  readonly perAddress: number;
  readonly perUser: number;
  readonly window: number;
}

/** What logging in needs of Keystone. */
export interface KeystoneUsers {
  /** @throws KeystoneFault when Keystone does not say */
  attempt(credentials: KeystoneCredentials): Promise<KeystoneLoginResult>;
}

/** One attempt. `password` is a secret. */
export interface LoginAttempt {
  readonly user: string;
  readonly password: string;
  /** Names a domain, a project or an application credential: only Keystone knows those. */
  readonly keystone?: KeystoneCredentials;
  /** The client's IP address. */
  readonly address: string;
  /** The id of the request, for the audit trail. */
  readonly requestId: string;
}

/** How an attempt ended. */
export type LoginResult =
  | {
      readonly kind: 'accepted';
      readonly user: string;
      readonly admin: boolean;
      /** Absent: none. */
      readonly groups?: readonly string[];
    }
  | { readonly kind: 'refused' }
  /** Too many failures; `retryAfter` in whole seconds. */
  | { readonly kind: 'limited'; readonly retryAfter: number }
  /** There is no way to log in: no local user exists, and no Keystone. */
  | { readonly kind: 'no_method' };

type Accepted = Pick<Extract<LoginResult, { kind: 'accepted' }>, 'user' | 'admin' | 'groups'>;

/** The login. */
export class Login {
  private readonly byAddress: RateLimiterMemory;
  private readonly byUser: RateLimiterMemory;

  /** @param node the name of this node, for the audit trail */
  constructor(
    private readonly users: LocalUsers,
    private readonly audit: LoginAudit,
    private readonly node: string,
    limits: LoginLimits,
    private readonly keystone?: KeystoneUsers,
  ) {
    this.byAddress = new RateLimiterMemory({ points: limits.perAddress, duration: limits.window });
    this.byUser = new RateLimiterMemory({ points: limits.perUser, duration: limits.window });
  }

  /**
   * Tries to log in; every outcome of a comparison of passwords is audited, refusals by a limit are not.
   * @throws KeystoneFault when it takes Keystone to say, and it does not
   */
  async attempt(attempt: LoginAttempt): Promise<LoginResult> {
    if (this.keystone === undefined && !(await this.users.any())) return { kind: 'no_method' };

    // The points are taken before the password is checked: attempts in parallel cannot exceed the limit.
    const network = networkOf(attempt.address);
    const name = attempt.user.normalize('NFKC').toLowerCase();
    const wait = (await take(this.byAddress, network)) ?? (await take(this.byUser, name));
    if (wait !== undefined) return { kind: 'limited', retryAfter: Math.max(1, Math.ceil(wait / 1000)) };

    let user: Accepted | undefined;
    try {
      user = (await this.locally(attempt)) ?? (await this.atKeystone(attempt));
    } catch (error) {
      await this.byAddress.reward(network);
      await this.byUser.reward(name);
      throw error;
    }
    if (user === undefined) {
      await this.record('Failed login', attempt.user, attempt);
      return { kind: 'refused' };
    }
    await this.byAddress.reward(network);
    await this.byUser.delete(name);
    await this.record('Login', user.user, attempt);
    return { kind: 'accepted', ...user };
  }

  private async locally(attempt: LoginAttempt): Promise<Accepted | undefined> {
    if (attempt.keystone !== undefined) return undefined;
    const user = await this.users.verify(attempt.user, attempt.password);
    return user === null ? undefined : accepted(user.name, user.admin, user.groups);
  }

  private async atKeystone(attempt: LoginAttempt): Promise<Accepted | undefined> {
    const credentials = attempt.keystone ?? {
      username: attempt.user,
      password: new Secret(attempt.password),
    };
    const result = await this.keystone?.attempt(credentials);
    return result?.kind === 'accepted' ? accepted(result.user, result.admin, result.groups) : undefined;
  }

  private async record(what: string, user: string, { address, requestId }: LoginAttempt): Promise<void> {
    const name = printable(user);
    await this.audit.record({
      ...{ source: '', uuid: '', node: this.node, pid: process.pid },
      message: `${what} of ${name} from ${address}`,
      client_ip: address,
      by: { kind: 'user', name, userId: null, projectId: null, requestId, address },
    });
  }
}

function accepted(user: string, admin: boolean, groups: readonly string[] = []): Accepted {
  return { user, admin, ...(groups.length === 0 ? {} : { groups }) };
}

async function take(limiter: RateLimiterMemory, key: string): Promise<number | undefined> {
  try {
    await limiter.consume(key);
    return undefined;
  } catch (refusal) {
    if (refusal instanceof RateLimiterRes) return refusal.msBeforeNext;
    throw refusal;
  }
}

/** A name that a stranger typed, fit for one line of an audit trail. */
function printable(name: string): string {
  return name.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, '?').slice(0, 64);
}
