// SPDX-License-Identifier: Apache-2.0
// Validates tokens of Keystone as keystonemiddleware's auth_token does: with the service's own token, remembered for
// a while. A cached token is validated again when it is older than the revocation bound; while Keystone is unavailable it
// stays good until its own end or token_cache_time, whichever comes first. What is not valid is never remembered.
// Tokens are kept by their SHA-256 only.
import { createHash } from 'node:crypto';
import { loggerFor } from '../log.js';
import { withDeadline } from '../net/deadline.js';
import { allowsRequest, type AccessRequest } from './access-rules.js';
import { askKeystone, readTokenBody, unexpectedAnswer, type TokenBody } from './keystone-api.js';
import { KeystoneFault } from './keystone-fault.js';
import type { Clock, ServiceSession } from './service-session.js';

/** Who a valid token speaks for. */
export type ValidToken = TokenBody;

/** How tokens are validated; see [keystone_authtoken]. Times in seconds. */
export interface TokenValidatorOptions {
  /** Negative: nothing is remembered. */
  readonly tokenCacheTime: number;
  readonly revocationCacheTime: number;
  readonly serviceTokenRoles: readonly string[];
  readonly serviceTokenRolesRequired: boolean;
  /** Empty: unknown. */
  readonly serviceType: string;
  /** For one validation as a whole. */
  readonly timeout: number;
}

/** What comes with a token. */
export interface TokenUse extends Partial<AccessRequest> {
  /** X-Service-Token: with it, the token may have expired meanwhile. Secret. */
  readonly serviceToken?: string | undefined;
}

interface Entry {
  readonly token: ValidToken;
  /** When Keystone said so, on our clock. */
  readonly validated: number;
}

/** Longer than any token of Keystone's providers (fernet about 250 bytes, JWS under 1,000); the rest is not asked for. */
const MAX_TOKEN_BYTES = 8192;
/** Visible ASCII: what an HTTP header can carry (RFC 9110 section 5.5) and a token of any provider is made of. */
const TOKEN = /^[\x21-\x7e]+$/;
const MAX_ENTRIES = 20_000;
/** Seconds that a request with a cached token waits for Keystone at most. */
const CACHED_WAIT_SECONDS = 2;
/** For how long after a failure cached tokens are used without a request. */
const FAILURE_PAUSE_SECONDS = 5;
/** Seconds that two clocks may differ before it is worth a warning. */
const SKEW_WARNING = 30;

/** A token that Keystone does not know, or that no Keystone can read. */
const UNREADABLE = [404, 400, 413, 431];
const NOT_ACCEPTED = 'Keystone does not accept the token that it gave to the service';
const NOT_ALLOWED =
  'the user of the service may not validate tokens; give it the role service or admin on its project';

const log = loggerFor('kerbside.identity');
const systemClock: Clock = () => Date.now() / 1000;

/** Validates tokens. */
export class TokenValidator {
  /** In the order of their last validation. */
  private readonly entries = new Map<string, Entry>();
  private readonly pending = new Map<string, Promise<ValidToken | null>>();
  private skewed = false;
  /** Until then, on our clock, remembered tokens are not asked for again. */
  private awayUntil = 0;

  constructor(
    private readonly session: ServiceSession,
    private readonly options: TokenValidatorOptions,
    private readonly clock: Clock = systemClock,
  ) {}

  /**
   * Who the token speaks for; null when it does not count: unknown, expired, revoked, malformed, or one whose access
   * rules or service token do not fit.
   * @throws KeystoneFault when it is not remembered and Keystone does not say
   */
  async validate(token: string, use: TokenUse = {}): Promise<ValidToken | null> {
    const given = token.trim();
    const service = use.serviceToken?.trim() ?? '';
    if (service !== '' && !(await this.isServiceToken(service))) return null;
    const valid = await this.lookUp(given, service !== '');
    if (valid === null || service !== '' || valid.accessRules === null) return valid;
    const { method, path } = use;
    if (method === undefined || path === undefined) return null;
    return allowsRequest(valid.accessRules, this.options.serviceType, { method, path }) ? valid : null;
  }

  /** Forgets everything that was remembered. */
  clear(): void {
    this.entries.clear();
  }

  private async isServiceToken(token: string): Promise<boolean> {
    const valid = await this.lookUp(token, false);
    if (valid === null) return false;
    const wanted = this.options.serviceTokenRoles.map((role) => role.toLowerCase());
    return !this.options.serviceTokenRolesRequired || wanted.some((role) => valid.roles.includes(role));
  }

  private async lookUp(token: string, allowExpired: boolean): Promise<ValidToken | null> {
    if (token.length > MAX_TOKEN_BYTES || !TOKEN.test(token)) return null;
    const key = createHash('sha256').update(token).digest('base64');
    const now = this.clock();
    const entry = this.entries.get(key);
    const known = entry !== undefined && this.isGood(entry, now, allowExpired) ? entry : undefined;
    if (known !== undefined && now - known.validated < this.options.revocationCacheTime) return known.token;
    if (known === undefined) return this.ask(key, token, allowExpired);
    return now < this.awayUntil ? known.token : this.askAgain(known, this.ask(key, token, allowExpired));
  }

  /** Keystone's answer; without one its last answer, and for a while no request waits for it again. */
  private async askAgain(known: Entry, asked: Promise<ValidToken | null>): Promise<ValidToken | null> {
    const late = (): Error => new KeystoneFault('timeout', 'Keystone takes long to validate a token again');
    try {
      return await withDeadline(asked, Math.min(CACHED_WAIT_SECONDS, this.options.timeout) * 1000, late);
    } catch (error) {
      if (!(error instanceof KeystoneFault)) throw error;
      this.awayUntil = this.clock() + FAILURE_PAUSE_SECONDS;
      log.warning('remembered tokens are used because Keystone does not answer', { fault: error });
      return known.token;
    }
  }

  private isGood(entry: Entry, now: number, allowExpired: boolean): boolean {
    const age = now - entry.validated;
    // A clock that was set back must not make a memory young again.
    if (age < 0 || age >= this.options.tokenCacheTime) return false;
    return allowExpired || now < entry.token.expires;
  }

  /** All who ask for the same token at once wait for one answer. */
  private ask(key: string, token: string, allowExpired: boolean): Promise<ValidToken | null> {
    const question = `${allowExpired ? 'expired ' : ''}${key}`;
    const pending = this.pending.get(question);
    if (pending !== undefined) return pending;
    const asked = this.fetchInTime(token, allowExpired)
      .then((valid) => {
        this.entries.delete(key);
        if (valid !== null) this.remember(key, valid);
        return valid;
      })
      .finally(() => this.pending.delete(question));
    this.pending.set(question, asked);
    return asked;
  }

  private remember(key: string, token: ValidToken): void {
    if (this.options.tokenCacheTime <= 0) return;
    this.entries.set(key, { token, validated: this.clock() });
    const [oldest] = this.entries.keys();
    if (this.entries.size > MAX_ENTRIES && oldest !== undefined) this.entries.delete(oldest);
  }

  private fetchInTime(token: string, allowExpired: boolean): Promise<ValidToken | null> {
    const stop = new AbortController();
    const { timeout } = this.options;
    return withDeadline(this.fetch(token, allowExpired, stop.signal), timeout * 1000, () => {
      stop.abort();
      return new KeystoneFault('timeout', `Keystone did not validate a token within ${timeout} s`);
    });
  }

  private async fetch(token: string, allowExpired: boolean, signal: AbortSignal): Promise<ValidToken | null> {
    const query = allowExpired ? '?nocatalog&allow_expired=1' : '?nocatalog';
    for (let attempt = 1; ; attempt += 1) {
      const own = await this.session.token();
      const call = {
        method: 'GET',
        url: `${await this.session.identityUrl()}/auth/tokens${query}`,
        headers: { 'X-Auth-Token': own, 'X-Subject-Token': token, 'OpenStack-Identity-Access-Rules': '1' },
        signal,
      } as const;
      const answer = await askKeystone(this.session.http, call);
      switch (answer.status) {
        case 200: {
          const body = readTokenBody(answer.json);
          if (body === undefined) throw unexpectedAnswer(call, answer);
          return this.onOurClock(body, answer.headers['date']);
        }
        case 401:
          this.session.invalidate(own);
          if (attempt === 1) continue;
          throw new KeystoneFault('credentials', NOT_ACCEPTED);
        case 403:
          throw new KeystoneFault('credentials', NOT_ALLOWED);
        default:
          if (UNREADABLE.includes(answer.status)) return null;
          throw unexpectedAnswer(call, answer);
      }
    }
  }

  /** Keystone has just called the token valid: only the time that is left counts, not what our clock says. */
  private onOurClock(body: TokenBody, date: string | undefined): ValidToken {
    const theirs = Date.parse(date ?? '') / 1000;
    const skew = Number.isNaN(theirs) ? 0 : theirs - this.clock();
    const differs = Math.abs(skew) > SKEW_WARNING;
    if (differs && !this.skewed) {
      log.warning('the clocks of Keystone and of this machine differ', { seconds: Math.round(skew) });
    }
    this.skewed = differs;
    return { ...body, catalog: [], expires: differs ? body.expires - skew : body.expires };
  }
}
