// SPDX-License-Identifier: Apache-2.0
// The login to the API of a platform: one at a time for all who wait, its token until it ends, and a refused one not tried
// again at once, since platforms lock accounts.
import type { Unavailable } from '../exception.js';
import type { HttpAnswer } from '../identity/http-client.js';
import { unlessAborted } from '../net/deadline.js';
import type { PlatformApi } from './platform-api.js';

/** What came of a login. Times are milliseconds of a clock that is never set. */
export type Login =
  /** Another token is asked for at `renewAt`; Infinity: when this one is not accepted any more. */
  | { readonly token: string; readonly renewAt: number }
  /** No other login is tried before `until`. */
  | { readonly refused: Unavailable; readonly until: number };

type Token = Extract<Login, { token: string }>;
type Refusal = Extract<Login, { refused: Unavailable }>;

/** Milliseconds for which a login that was refused is not tried again. */
export const REFUSAL_MS = 10_000;

/** One login, shared by all requests. */
export class PlatformSession {
  private current: Token | undefined;
  private pending: Promise<Token> | undefined;
  private refusal: Refusal | undefined;

  /**
   * @param logIn may throw `Unavailable`, where it is not known whether the login is refused
   * @param now the clock of the times
   */
  constructor(
    private readonly api: Pick<PlatformApi, 'fault'>,
    private readonly logIn: () => Promise<Login>,
    private readonly now: () => number,
  ) {}

  /**
   * Sends a request with a token; a token that is not accepted (401) is renewed once.
   * @throws Unavailable
   */
  async call(send: (token: string) => Promise<HttpAnswer>, signal: AbortSignal): Promise<HttpAnswer> {
    const first = await this.token(signal);
    const answer = await send(first);
    if (answer.status !== 401) return answer;
    if (this.current?.token === first) this.current = undefined;
    return send(await this.token(signal));
  }

  private async token(signal: AbortSignal): Promise<string> {
    if (this.current !== undefined && this.now() < this.current.renewAt) return this.current.token;
    if (this.refusal !== undefined && this.now() < this.refusal.until) throw this.refusal.refused;
    // Whoever gives up leaves it to the others.
    this.pending ??= this.renew().finally(() => {
      this.pending = undefined;
    });
    const renewed = await unlessAborted(this.pending, signal);
    if (renewed === null)
      throw this.api.fault('did not answer a login in time; see whether it is overloaded or cut off');
    return renewed.token;
  }

  private async renew(): Promise<Token> {
    const login = await this.logIn();
    if ('refused' in login) {
      this.refusal = login;
      throw login.refused;
    }
    this.refusal = undefined;
    this.current = login;
    return login;
  }
}
