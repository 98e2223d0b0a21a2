// SPDX-License-Identifier: Apache-2.0
// One request to Nova: where the endpoint is, with whose token, at which microversion; and what an answer that is none
// means. The service's own token is renewed once when Nova rejects it.
import type { HttpCall } from '../identity/http-call.js';
import { HttpFault, type HttpAnswer } from '../identity/http-client.js';
import { NovaRefused, NovaUnavailable } from './faults.js';
import { memberOf } from './instance.js';
import { versionHeaders, type Microversion } from './microversions.js';

/** The service's login and catalog, as identity/service-session.ts has them. */
export interface ComputeSession {
  readonly http: { send(call: HttpCall): Promise<HttpAnswer> };
  /** A token of the service. Secret. @throws Unavailable */
  token(): Promise<string>;
  /** Forgets a token that was not accepted. */
  invalidate(token: string): void;
  /** The URL of a service. @throws Unavailable when the catalog has none */
  endpoint(type: string): Promise<string>;
}

/** One request. */
export interface NovaCall {
  readonly method: 'GET' | 'POST';
  /** Below the endpoint, with a slash in front. */
  readonly path: string;
  readonly version: Microversion;
  readonly body?: unknown;
  /** A user's token in the place of the service's. Secret. */
  readonly token?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

const LONGEST_MESSAGE = 300;

/** Requests to one Nova. */
export class NovaHttp {
  constructor(private readonly session: ComputeSession) {}

  /**
   * Sends a request; gives any answer that Nova itself may have made, 4xx and 500 included.
   * @throws NovaUnavailable when there is none, or it is not Nova's
   * @throws NovaRefused 401 when the user's token is not accepted
   */
  async call(call: NovaCall): Promise<HttpAnswer> {
    const base = await this.base();
    if (call.token !== undefined) {
      const answer = await this.send(base, call, call.token);
      if (answer.status === 401) throw new NovaRefused(401, 'Nova does not accept the token');
      return answer;
    }
    const first = await this.session.token();
    const answer = await this.send(base, call, first);
    if (answer.status !== 401) return answer;
    this.session.invalidate(first);
    const again = await this.send(base, call, await this.session.token());
    if (again.status === 401)
      throw new NovaUnavailable(`Nova at ${placeOf(base)} refuses the service's login`);
    return again;
  }

  /** The endpoint of the Compute API v2.1, without a slash at its end. @throws Unavailable */
  async base(): Promise<string> {
    const url = await this.session.endpoint('compute');
    return url.replace(/\/+$/, '').replace(/\/v2(?=\/|$)/, '/v2.1');
  }

  /** A GET without a login, of the versions document. @throws NovaUnavailable */
  async open(url: string, signal?: AbortSignal): Promise<HttpAnswer> {
    return this.exchange({ method: 'GET', url, ...(signal === undefined ? {} : { signal }) });
  }

  private async send(base: string, call: NovaCall, token: string): Promise<HttpAnswer> {
    const answer = await this.exchange({
      method: call.method,
      url: `${base}${call.path}`,
      headers: {
        ...versionHeaders(call.version),
        'X-Auth-Token': token,
        ...(call.body === undefined ? {} : { 'Content-Type': 'application/json' }),
      },
      ...(call.body === undefined ? {} : { body: call.body }),
      ...(call.signal === undefined ? {} : { signal: call.signal }),
    });
    // Whatever Nova and the middleware in front of it answer is JSON; a page is a balancer's.
    const foreign = answer.json === undefined || typeof answer.json !== 'object' || answer.json === null;
    if (answer.status >= 300 && answer.status < 400) {
      throw new NovaUnavailable(`Nova at ${placeOf(base)} answered with a redirect, which is not followed`);
    }
    if (answer.status > 500 && answer.status !== 501) {
      throw new NovaUnavailable(`Nova at ${placeOf(base)} answered ${String(answer.status)}`);
    }
    if (foreign && answer.status !== 401) {
      throw new NovaUnavailable(
        `Nova at ${placeOf(base)} answered ${String(answer.status)} with something that is not JSON`,
      );
    }
    return answer;
  }

  private async exchange(call: HttpCall): Promise<HttpAnswer> {
    try {
      return await this.session.http.send(call);
    } catch (error) {
      if (!(error instanceof HttpFault)) throw error;
      throw new NovaUnavailable(`Nova at ${placeOf(call.url)}: ${error.reason}`);
    }
  }
}

/** The message of Nova's fault body, on one line; empty when there is none. */
export function faultMessage(answer: HttpAnswer): string {
  if (typeof answer.json !== 'object' || answer.json === null) return '';
  for (const fault of Object.values(answer.json)) {
    const message = memberOf(fault, 'message');
    if (typeof message === 'string') return message.replace(/[\p{Cc}\s]+/gu, ' ').slice(0, LONGEST_MESSAGE);
  }
  return '';
}

/** Host and port of a URL, for messages. */
export function placeOf(url: string): string {
  try {
    return new URL(url).host;
  } catch {
    return 'an unreadable URL';
  }
}
