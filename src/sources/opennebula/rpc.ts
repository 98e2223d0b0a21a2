// SPDX-License-Identifier: Apache-2.0
// XML-RPC as oned speaks it: a call is one POST that brings user and password, and one connection, which oned closes. The status of
// HTTP is 200 for all that it says; a good answer is a list of three, a refused one of five, and a fault means that the call
// itself was wrong.
import { Unavailable } from '../../exception.js';
import type { HttpAnswer } from '../../identity/http-client.js';
import type { ApiLogin } from '../api-entry.js';
import { listOf, objectOf } from '../json.js';
import { PlatformApi, shownText } from '../platform-api.js';
import { REFUSAL_MS } from '../platform-session.js';
import { decodedText, XmlEnvelopes, XmlFault } from '../xml.js';

/** An argument: text, or a whole number of 32 bits. */
export type RpcArgument = string | number;

/** OpenNebula said no. */
export class RpcRefused extends Unavailable {
  constructor(
    message: string,
    /** Its own code (ErrorCode of include/RequestManager.h). */
    readonly code: number,
  ) {
    super(message);
  }
}

const ENVELOPES = new XmlEnvelopes('string');

/** Codes of a refusal. */
export const REFUSED = { authentication: 256, authorization: 512, unknown: 1024 } as const;

/** What the answer of a call was. */
export interface RpcAnswer {
  /** As it came: of two that are equal, one need be read. */
  readonly bytes: Buffer;
  readonly text: string;
}

/** A client of one oned. */
export class OpenNebulaRpc {
  private readonly api: PlatformApi;
  private refusal: { readonly fault: Unavailable; readonly until: number } | undefined;

  /**
   * @param timeout seconds for one call, but for those that bring a time of their own
   * @param now milliseconds of a clock that is never set
   * @throws StartupError when the CA file cannot be read
   */
  constructor(
    private readonly login: ApiLogin,
    timeout: number,
    private readonly now: () => number = () => performance.now(),
  ) {
    const { url, http } = login;
    this.api = new PlatformApi({ platform: 'OpenNebula', url, http, timeout });
  }

  /** A fault of OpenNebula, which begins with its address. */
  fault(text: string): Unavailable {
    return this.api.fault(text);
  }

  /**
   * Calls a method and gives its answer unread.
   * @param timeout seconds; that of the client when absent
   * @throws Unavailable when there is no answer
   */
  async call(
    method: string,
    args: readonly RpcArgument[],
    signal: AbortSignal,
    timeout?: number,
  ): Promise<RpcAnswer> {
    // Whoever asks next would only have the same password refused, once more in oned's log.
    if (this.refusal !== undefined && this.now() < this.refusal.until) throw this.refusal.fault;
    const { username, password } = this.login;
    const answer = await this.api.send({
      ...{ method: 'POST', path: '', signal },
      headers: { 'Content-Type': 'text/xml', Accept: 'text/xml' },
      body: callText(method, [`${username}:${password.reveal()}`, ...args]),
      ...(timeout === undefined ? {} : { timeout }),
    });
    if (answer.status === 200) return answer;
    throw this.statusFault(answer);
  }

  /**
   * The text of a good answer.
   * @param what that was asked for, for faults
   * @throws RpcRefused, Unavailable
   */
  read({ text: raw }: RpcAnswer, what: string): string {
    const members = this.members(raw);
    const values = valuesOf(members);
    const [good, text, code] = values ?? [];
    if (good?.kind === 'boolean' && text?.kind === 'string') {
      if (good.text === '1') return text.text;
      throw this.refused(shownText(text.text), Number(code?.text ?? 0), what);
    }
    const fault = faultOf(members);
    throw this.fault(
      fault === null
        ? 'answered with XML that is no answer of OpenNebula; see whether url is that of its XML-RPC'
        : `does not take the call (${fault}); see whether it is a release that is served`,
    );
  }

  private members(raw: string): unknown {
    try {
      return ENVELOPES.parse(raw)['methodResponse'];
    } catch (error) {
      if (!(error instanceof XmlFault)) throw error;
      throw this.fault(
        `answered with something that is not XML-RPC (${error.message}); see whether url is that of its XML-RPC`,
      );
    }
  }

  private refused(text: string, code: number, what: string): RpcRefused {
    const user = JSON.stringify(this.login.username);
    if (code === REFUSED.authentication) {
      const fault = new RpcRefused(
        this.fault(`does not accept username and password (${text}); correct them`).message,
        code,
      );
      this.refusal = { fault, until: this.now() + REFUSAL_MS };
      return fault;
    }
    const remedy =
      code === REFUSED.authorization
        ? `; give user ${user} the right USE on virtual machines`
        : '; see its log';
    return new RpcRefused(this.fault(`does not give ${what} (${text})${remedy}`).message, code);
  }

  private statusFault({ status }: HttpAnswer): Unavailable {
    const path = status === 404 || status === 405 ? ', which has the path /RPC2' : '';
    return this.fault(`answered ${String(status)}; see whether url is that of its XML-RPC${path}`);
  }
}

interface RpcValue {
  readonly kind: string;
  readonly text: string;
}

/** The values of the list that every answer of OpenNebula is; null: it is none. */
function valuesOf(response: unknown): readonly RpcValue[] | null {
  const param = within(response, 'params', 'param', 'value', 'array', 'data');
  const values = listOf(objectOf(param)?.['value']);
  if (values === null) return null;
  return values.map((value) => {
    const [[kind, text] = ['', '']] = Object.entries(objectOf(value) ?? {}).filter(
      ([key]) => key !== '#text',
    );
    return { kind, text: typeof text === 'string' ? decodedText(text) : '' };
  });
}

/** What a fault says, on one line; null: it is none. */
function faultOf(response: unknown): string | null {
  const members = listOf(objectOf(within(response, 'fault', 'value', 'struct'))?.['member']) ?? [];
  for (const member of members) {
    if (objectOf(member)?.['name'] !== 'faultString') continue;
    const text = objectOf(within(member, 'value'))?.['string'];
    if (typeof text === 'string') return shownText(decodedText(text));
  }
  return null;
}

function within(value: unknown, ...path: readonly string[]): unknown {
  let found = value;
  for (const name of path) found = objectOf(found)?.[name];
  return found;
}

function callText(method: string, args: readonly RpcArgument[]): string {
  const params = args.map((arg) => {
    const value = typeof arg === 'number' ? `<i4>${String(arg)}</i4>` : `<string>${escaped(arg)}</string>`;
    return `<param><value>${value}</value></param>`;
  });
  return (
    `<?xml version="1.0"?>\n<methodCall><methodName>${method}</methodName>` +
    `<params>${params.join('')}</params></methodCall>`
  );
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
