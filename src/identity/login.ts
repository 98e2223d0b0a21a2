// SPDX-License-Identifier: Apache-2.0
// Logging in with a local user: who may try, how often, and what is written down about it. Failures are counted
// per client address and per user name; a success gives its own attempt back. The counters are this process's
// own: n processes behind a balancer allow n times as many.
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { networkOf } from '../network-address.js';

/** What logging in needs of the local users. */
export interface LocalUsers {
  /** Whether any user exists. */
  any(): Promise<boolean>;
  /** The user when the password is right, else null, in the same time. */
  verify(name: string, password: string): Promise<{ name: string; admin: boolean } | null>;
}

/** What logging in needs of the audit trail. */
export interface LoginAudit {
  record(entry: { source: string; uuid: string; node: string; pid: number; message: string }): Promise<void>;
}

/** [api] login_attempts_per_address, login_attempts_per_user and login_window (seconds). */
export interface LoginLimits {
  readonly perAddress: number;
  readonly perUser: number;
  readonly window: number;
}

/** One attempt. `password` is a secret. */
export interface LoginAttempt {
  readonly user: string;
  readonly password: string;
  /** The client's IP address. */
  readonly address: string;
}

/** How an attempt ended. */
export type LoginResult =
  | { readonly kind: 'accepted'; readonly user: string; readonly admin: boolean }
  | { readonly kind: 'refused' }
  /** Too many failures; `retryAfter` in whole seconds. */
  | { readonly kind: 'limited'; readonly retryAfter: number }
  /** There is no way to log in: no local user exists. */
  | { readonly kind: 'no_method' };

/** The login of local users. */
export class Login {
  readonly #byAddress: RateLimiterMemory;
  readonly #byUser: RateLimiterMemory;

  /** @param node the name of this node, for the audit trail */
  constructor(
    private readonly users: LocalUsers,
    private readonly audit: LoginAudit,
    private readonly node: string,
    limits: LoginLimits,
  ) {
    this.#byAddress = new RateLimiterMemory({ points: limits.perAddress, duration: limits.window });
    this.#byUser = new RateLimiterMemory({ points: limits.perUser, duration: limits.window });
  }

  /** Tries to log in; every outcome of a comparison of passwords is audited, refusals by a limit are not. */
  async attempt(attempt: LoginAttempt): Promise<LoginResult> {
    if (!(await this.users.any())) return { kind: 'no_method' };

    // The points are taken before the password is looked at: attempts in parallel cannot slip past the limit.
    const network = networkOf(attempt.address);
    const name = attempt.user.normalize('NFKC').toLowerCase();
    const wait = (await take(this.#byAddress, network)) ?? (await take(this.#byUser, name));
    if (wait !== undefined) return { kind: 'limited', retryAfter: Math.max(1, Math.ceil(wait / 1000)) };

    const user = await this.users.verify(attempt.user, attempt.password);
    if (user === null) {
      await this.#record(`Failed login of ${printable(attempt.user)} from ${attempt.address}`);
      return { kind: 'refused' };
    }
    await this.#byAddress.reward(network);
    await this.#byUser.delete(name);
    await this.#record(`Login of ${printable(user.name)} from ${attempt.address}`);
    return { kind: 'accepted', user: user.name, admin: user.admin };
  }

  async #record(message: string): Promise<void> {
    await this.audit.record({ source: '', uuid: '', node: this.node, pid: process.pid, message });
  }
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
