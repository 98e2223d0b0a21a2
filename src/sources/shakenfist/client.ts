// SPDX-License-Identifier: Apache-2.0
// The client of one Shaken Fist cluster: logs in to a namespace with a key, and asks. It gives JSON as it came; inventory.ts
// and signing-keys.ts read it.
import type { HttpAnswer } from '../../identity/http-client.js';
import { unlessAborted } from '../../net/deadline.js';
import type { Unavailable } from '../../exception.js';
import type { ApiLogin } from '../api-entry.js';
import { objectOf, textOf } from '../json.js';
import { PlatformApi, shownText, type PlatformCall } from '../platform-api.js';

/** The namespace whose keys may ask for all of the cluster. */
export const SYSTEM = 'system';

/** How a client behaves. */
export interface ClientOptions {
  /** Seconds for one request. */
  readonly timeout: number;
  /** Milliseconds of a clock that is never set; tests replace it. */
  readonly now?: (() => number) | undefined;
}

interface Session {
  readonly token: string;
  /** When another one is asked for, by the client's clock. */
  readonly renewAt: number;
}

/** A key that was refused is not tried again before. */
const REFUSAL_MS = 10_000;
/** A token is not used up to its last moment: clocks differ, and requests take time. */
const EARLY_MS = 30_000;
const SHORTEST_MS = 5_000;
const LONGEST_MS = 86_400_000;

/** One cluster, as one of its namespaces. */
export class ShakenFistClient {
  private readonly api: PlatformApi;
  private readonly now: () => number;
  private session: Session | undefined;
  private pending: Promise<Session> | undefined;
  private refused: { readonly fault: Error; readonly until: number } | undefined;

  /** @throws StartupError when the CA file cannot be read */
  constructor(
    private readonly login: ApiLogin,
    { timeout, now = () => performance.now() }: ClientOptions,
  ) {
    const { url, http } = login;
    this.api = new PlatformApi({ platform: 'Shaken Fist', url, http, timeout });
    this.now = now;
  }

  /** Whether all namespaces of the cluster are seen. */
  get isSystem(): boolean {
    return this.login.username === SYSTEM;
  }

  /** A fault of the cluster, which begins with its address. */
  fault(text: string): Unavailable {
    return this.api.fault(text);
  }

  /** All instances that the namespace sees. @param timeout seconds @throws Unavailable */
  async instances(timeout: number, signal: AbortSignal): Promise<unknown> {
    const body = { all: this.isSystem };
    return this.json(await this.call({ path: '/instances', body, timeout }, signal), 'its instances');
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

  // A token that was not accepted is renewed once; what is refused then is refused to this namespace.
  private async call(call: Omit<PlatformCall, 'method'>, signal: AbortSignal): Promise<HttpAnswer> {
    const first = await this.token(signal);
    const answer = await this.send(call, first, signal);
    if (answer.status !== 401) return answer;
    if (this.session?.token === first) this.session = undefined;
    return this.send(call, await this.token(signal), signal);
  }

  private send(call: Omit<PlatformCall, 'method'>, token: string, signal: AbortSignal): Promise<HttpAnswer> {
    const headers = { ...call.headers, Authorization: `Bearer ${token}` };
    return this.api.send({ ...call, method: 'GET', headers, signal });
  }

  private async token(signal: AbortSignal): Promise<string> {
    if (this.session !== undefined && this.now() < this.session.renewAt) return this.session.token;
    if (this.refused !== undefined && this.now() < this.refused.until) throw this.refused.fault;
    // One login for all who wait; whoever gives up leaves it to the others.
    this.pending ??= this.authenticate().finally(() => {
      this.pending = undefined;
    });
    const session = await unlessAborted(this.pending, signal);
    if (session === null)
      throw this.fault('did not answer a login in time; see whether it is overloaded or cut off');
    return session.token;
  }

  private async authenticate(): Promise<Session> {
    const { username: namespace, password } = this.login;
    const asked = this.now();
    const body = { namespace, key: password.reveal() };
    const answer = await this.api.send({ method: 'POST', path: '/auth', body });
    if (answer.status === 400 || answer.status === 401 || answer.status === 404) {
      const fault = this.fault(
        `does not accept the key of namespace ${JSON.stringify(namespace)}; correct username and password`,
      );
      this.refused = { fault, until: asked + REFUSAL_MS };
      throw fault;
    }
    const members = objectOf(this.json(answer, 'a token'));
    const token = textOf(members?.['access_token']);
    if (token === null)
      throw this.fault('answered a login without a token; see whether url is that of its API');
    const seconds = Number(members?.['expires_in']);
    const lifetime = Number.isFinite(seconds) ? Math.min(seconds * 1000, LONGEST_MS) : LONGEST_MS;
    this.refused = undefined;
    this.session = { token, renewAt: asked + Math.max(lifetime - EARLY_MS, SHORTEST_MS) };
    return this.session;
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
