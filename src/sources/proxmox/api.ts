// SPDX-License-Identifier: Apache-2.0
// The HTTP API of a Proxmox VE cluster: every node answers for all of them, so the next one is asked when one does not
// answer. Errors may have no body at all: the phrase of the status line says what is wrong. Authorization is an API token.
import { Unavailable } from '../../exception.js';
import { HttpClient, HttpFault, type HttpAnswer } from '../../identity/http-client.js';
import { refusalText } from './answers.js';
import type { ProxmoxLogin } from './entry.js';

/** Seconds for one request: a wrong token is answered after three. */
const REQUEST_TIMEOUT = 10;
/** Seconds after which the next node is asked as well, where there is one. */
const HEDGE = 1;
/** The list of 50,000 guests has about 25 MB. */
const MAX_BYTES = 48 * 1024 * 1024;

/** The API said no. */
export class ApiRefused extends Unavailable {
  constructor(
    readonly status: number,
    /** What it said, in one line. */
    readonly said: string,
    remedy: string,
  ) {
    super(`HTTP ${String(status)} ${said}${remedy === '' ? '' : `; ${remedy}`}`);
  }
}

/** An answer, and who gave it. */
export interface ApiAnswer {
  readonly json: unknown;
  /** Host of the node that answered, without brackets. */
  readonly host: string;
}

/** One cluster. */
export class ProxmoxApi {
  private readonly http: HttpClient;
  /** The node that answered last comes first. */
  private origins: readonly string[];

  /** @throws StartupError when the CA file cannot be read */
  constructor(private readonly login: ProxmoxLogin) {
    this.http = new HttpClient({ ...login.tls, timeout: REQUEST_TIMEOUT, maxBytes: MAX_BYTES });
    this.origins = login.origins;
  }

  /** @throws ApiRefused, Unavailable */
  get(path: string, signal: AbortSignal): Promise<ApiAnswer> {
    return this.first((origin, ended) => this.send('GET', origin, path, undefined, ended), signal);
  }

  /**
   * Posts to one node after the other: a request that changes something is never sent twice at a time.
   * @param body made for the host that is asked
   * @throws ApiRefused, Unavailable
   */
  async post(path: string, body: (host: string) => unknown, signal: AbortSignal): Promise<ApiAnswer> {
    const faults: string[] = [];
    for (const origin of this.origins) {
      try {
        return await this.send('POST', origin, path, body(hostOf(origin)), signal);
      } catch (error) {
        if (!isOfTheNode(error) || signal.aborted) throw error;
        faults.push(error.message);
      }
    }
    throw new Unavailable(faults.join('; '));
  }

  /** The first good answer. Nodes are asked one after the other, the next as soon as one fails or takes long. */
  private first(
    ask: (origin: string, signal: AbortSignal) => Promise<ApiAnswer>,
    signal: AbortSignal,
  ): Promise<ApiAnswer> {
    const { origins } = this;
    // Nobody else to ask: without the rest, which costs as much as the request where there are thousands.
    if (origins.length === 1) return ask(origins[0] ?? '', signal);
    const done = new AbortController();
    const ended = AbortSignal.any([signal, done.signal]);
    return new Promise((resolve, reject) => {
      const faults: string[] = [];
      let asked = 0;
      let timer: NodeJS.Timeout | undefined;
      const settle = (act: () => void): void => {
        clearTimeout(timer);
        act();
        done.abort();
      };
      const next = (): void => {
        clearTimeout(timer);
        const origin = origins[asked];
        if (origin === undefined) {
          if (faults.length === origins.length) settle(() => reject(new Unavailable(faults.join('; '))));
          return;
        }
        asked += 1;
        timer = setTimeout(next, HEDGE * 1000);
        ask(origin, ended).then(
          (answer) => settle(() => resolve(answer)),
          (error: unknown) => {
            if (!isOfTheNode(error)) {
              settle(() => reject(error instanceof Error ? error : new Unavailable(String(error))));
              return;
            }
            faults.push(error.message);
            next();
          },
        );
      };
      next();
    });
  }

  private async send(
    method: 'GET' | 'POST',
    origin: string,
    path: string,
    body: unknown,
    signal: AbortSignal,
  ): Promise<ApiAnswer> {
    const answer = await this.exchange(method, origin, path, body, signal);
    const { status, json, reason } = answer;
    if (status !== 200) throw this.refusal(origin, answer, refusalText(json, reason));
    if (json === undefined)
      throw new NodeFault(
        `${origin}: its answer is no JSON; name the API of a node, as https://pve1.example.com:8006`,
      );
    this.origins = [origin, ...this.login.origins.filter((other) => other !== origin)];
    return { json, host: hostOf(origin) };
  }

  private async exchange(
    method: 'GET' | 'POST',
    origin: string,
    path: string,
    body: unknown,
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    try {
      return await this.http.send({
        ...{ method, url: `${origin}/api2/json${path}`, signal },
        headers: { Authorization: this.login.authorization },
        ...(body === undefined ? {} : { body }),
      });
    } catch (error) {
      if (!(error instanceof HttpFault)) throw error;
      const remedy =
        error.kind === 'tls' ? '; give the CA of the cluster as ca_cert, or a CA file as verify' : '';
      throw new NodeFault(`${origin}: ${error.reason}${remedy}`);
    }
  }

  private refusal(origin: string, { status, headers }: HttpAnswer, said: string): Unavailable {
    if (status >= 300 && status < 400) {
      const to = headers['location'] === undefined ? '' : '; give the URL that it redirects to';
      return new NodeFault(`${origin}: it answers with a redirect (HTTP ${String(status)})${to}`);
    }
    if (status >= 502 && status <= 504) return new NodeFault(`${origin}: HTTP ${String(status)} ${said}`);
    return new ApiRefused(status, said, remedyOf(status));
  }
}

/** What a node did, and another one may do better. */
class NodeFault extends Unavailable {}

function isOfTheNode(error: unknown): error is NodeFault {
  return error instanceof NodeFault;
}

function remedyOf(status: number): string {
  switch (status) {
    case 401:
      return 'look at token_id and token_secret, and whether the token or its user has expired or is disabled';
    case 403:
      return 'give the user of the token, and the token, the rights VM.Audit and VM.Console';
    case 596:
      return 'the nodes of the cluster do not trust each other';
    default:
      return '';
  }
}

function hostOf(origin: string): string {
  return new URL(origin).hostname.replace(/^\[(.*)\]$/, '$1');
}
