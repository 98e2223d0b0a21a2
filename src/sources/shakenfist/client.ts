// SPDX-License-Identifier: Apache-2.0
// The client of one Shaken Fist cluster: logs in to a namespace with a key, and asks. It gives JSON as it came, which inventory.ts
// and signing-keys.ts read; but for the list of instances, which is read here when it is another one than the time before.
import type { HttpAnswer } from '../../identity/http-client.js';
import type { Unavailable } from '../../exception.js';
import type { ApiLogin } from '../api-entry.js';
import { objectOf, textOf } from '../json.js';
import { PlatformApi, shownText, type PlatformCall } from '../platform-api.js';
import { PlatformSession, REFUSAL_MS, type Login } from '../platform-session.js';
import { ReadAnswers } from '../read-answers.js';
import { readInstances, type Instances } from './inventory.js';

/** The namespace whose keys may ask for all of the cluster. */
export const SYSTEM = 'system';

/** How a client behaves. */
export interface ClientOptions {
  /** Seconds for one request. */
  readonly timeout: number;
  /** Milliseconds of a clock that is never set; tests replace it. */
  readonly now?: (() => number) | undefined;
}

/** A token is not used up to its last moment: clocks differ, and requests take time. */
const EARLY_MS = 30_000;
const SHORTEST_MS = 5_000;
const LONGEST_MS = 86_400_000;

/** One cluster, as one of its namespaces. */
export class ShakenFistClient {
  private readonly api: PlatformApi;
  private readonly now: () => number;
  private readonly session: PlatformSession;
  private readonly listings = new ReadAnswers<Instances>();

  /** @throws StartupError when the CA file cannot be read */
  constructor(
    private readonly login: ApiLogin,
    { timeout, now = () => performance.now() }: ClientOptions,
  ) {
    const { url, http } = login;
    this.api = new PlatformApi({ platform: 'Shaken Fist', url, http, timeout });
    this.now = now;
    this.session = new PlatformSession(this.api, () => this.authenticate(), now);
  }

  /** Whether all namespaces of the cluster are seen. */
  get isSystem(): boolean {
    return this.login.username === SYSTEM;
  }

  /** A fault of the cluster, which begins with its address. */
  fault(text: string): Unavailable {
    return this.api.fault(text);
  }

  /**
   * All instances that the namespace sees; the same object as the time before when nothing has changed.
   * @param timeout seconds
   * @throws Unavailable
   */
  async instances(timeout: number, signal: AbortSignal): Promise<Instances> {
    const body = { all: this.isSystem };
    const answer = await this.call({ path: '/instances', body, timeout }, signal);
    if (answer.status !== 200) return this.listing(answer);
    this.listings.begin();
    return this.listings.read(answer.bytes, () => this.listing(answer));
  }

  /** One instance; null when the namespace sees none of this uuid. @throws Unavailable */
  async instance(uuid: string, signal: AbortSignal): Promise<unknown> {
    const answer = await this.call({ path: `/instances/${encodeURIComponent(uuid)}` }, signal);
    return answer.status === 404 && this.isOwn(answer) ? null : this.json(answer, 'an instance');
  }

  /** The nodes of the cluster; for the namespace system alone. @throws Unavailable */
  async nodes(signal: AbortSignal): Promise<unknown> {
    return this.json(await this.call({ path: '/nodes' }, signal), 'its nodes');
  }

  /**
   * The text of the .vv file that leads straight to an instance; null when the cluster gives none (to this namespace).
   * @throws Unavailable
   */
  async consoleFile(uuid: string, signal: AbortSignal): Promise<string | null> {
    const path = `/instances/${encodeURIComponent(uuid)}/vdiconsolehelper`;
    const answer = await this.call({ path, headers: { Accept: '*/*' } }, signal);
    return answer.status === 200 && answer.text.startsWith('[virt-viewer]') ? answer.text : null;
  }

  /** The certificates of the CA of the cluster's SPICE servers (PEM); null when it does not publish them. @throws Unavailable */
  async caCertificate(signal: AbortSignal): Promise<string | null> {
    const answer = await this.call({ path: '/admin/cacert', headers: { Accept: '*/*' } }, signal);
    if (answer.status !== 200) return null;
    return typeof answer.json === 'string' ? answer.json : answer.text;
  }

  /**
   * The public keys of its console tokens; null when it has none yet, is too old for them, or does not give them to this
   * namespace.
   * @throws Unavailable
   */
  async signingKeys(signal: AbortSignal): Promise<unknown> {
    const answer = await this.call({ path: '/admin/vditokenpubkey' }, signal);
    const none = [401, 403, 404].includes(answer.status) && this.isOwn(answer);
    return none ? null : this.json(answer, 'its signing keys');
  }

  // What is refused with a new token is refused to this namespace.
  private call(call: Omit<PlatformCall, 'method'>, signal: AbortSignal): Promise<HttpAnswer> {
    return this.session.call((token) => {
      const headers = { ...call.headers, Authorization: `Bearer ${token}` };
      return this.api.send({ ...call, method: 'GET', headers, signal });
    }, signal);
  }

  private async authenticate(): Promise<Login> {
    const { username: namespace, password } = this.login;
    const asked = this.now();
    const body = { namespace, key: password.reveal() };
    const answer = await this.api.send({ method: 'POST', path: '/auth', body });
    if (answer.status === 400 || answer.status === 401 || answer.status === 404) {
      const fault = this.fault(
        `does not accept the key of namespace ${JSON.stringify(namespace)}; correct username and password`,
      );
      return { refused: fault, until: asked + REFUSAL_MS };
    }
    const members = objectOf(this.json(answer, 'a token'));
    const token = textOf(members?.['access_token']);
    if (token === null)
      throw this.fault('answered a login without a token; see whether url is that of its API');
    const seconds = Number(members?.['expires_in']);
    const lifetime = Number.isFinite(seconds) ? Math.min(seconds * 1000, LONGEST_MS) : LONGEST_MS;
    return { token, renewAt: asked + Math.max(lifetime - EARLY_MS, SHORTEST_MS) };
  }

  private listing(answer: HttpAnswer): Instances {
    const listing = readInstances(this.json(answer, 'its instances'));
    if (listing !== null) return listing;
    throw this.fault('answered without a list of instances; see whether url is that of its API');
  }

  /** The JSON of a good answer. @param what that was asked for, for faults */
  private json(answer: HttpAnswer, what: string): unknown {
    const { status, json } = answer;
    if (status === 200 && json !== undefined) return json;
    if (status === 401 || status === 403) {
      const namespace = JSON.stringify(this.login.username);
      throw this.fault(`does not give ${what} to namespace ${namespace}; see what its key may do`);
    }
    if (status === 406) throw this.fault('is not ready yet (406); see whether its services run');
    if (status === 200)
      throw this.fault(`answered with something that is not JSON; see whether url is that of its API`);
    const error = textOf(objectOf(json)?.['error']);
    throw this.fault(
      `answered ${String(status)}${error === null ? '' : ` (${shownText(error)})`} when asked for ${what}; see its log`,
    );
  }

  /** Whether an answer is the cluster's own, and not one of a server in front of it that knows no such path. */
  private isOwn({ json }: HttpAnswer): boolean {
    return textOf(objectOf(json)?.['error']) !== null;
  }
}
