// SPDX-License-Identifier: Apache-2.0
// The service's own login at Keystone: a token that is always good for a while, and the catalog that came with it.
// All who need the token at once wait for one login. Its lifetime is counted on our clock from the moment it came,
// so that clocks that differ do no harm.
import type { Secret } from '../conf/secret.js';
import { loggerFor } from '../log.js';
import { HttpClient } from './http-client.js';
import {
  applicationCredentialBody,
  askKeystone,
  identityUrl,
  passwordBody,
  placeOf,
  readTokenBody,
  unexpectedAnswer,
  type CatalogEndpoint,
} from './keystone-api.js';
import { KeystoneFault } from './keystone-fault.js';

/** How the service logs in. Empty texts count as absent. */
export interface KeystoneAuthOptions {
  /** With or without /v3 at its end. */
  readonly authUrl: string;
  readonly authType: 'password' | 'v3password' | 'v3applicationcredential';
  readonly username?: string | undefined;
  readonly userId?: string | undefined;
  readonly password?: Secret | undefined;
  readonly userDomainId?: string | undefined;
  readonly userDomainName?: string | undefined;
  readonly projectId?: string | undefined;
  readonly projectName?: string | undefined;
  readonly projectDomainId?: string | undefined;
  readonly projectDomainName?: string | undefined;
  /** `all` for a token of the whole deployment. */
  readonly systemScope?: string | undefined;
  readonly applicationCredentialId?: string | undefined;
  readonly applicationCredentialName?: string | undefined;
  readonly applicationCredentialSecret?: Secret | undefined;
  readonly cafile?: string | undefined;
  /** What names that file, for faults. */
  readonly cafileFrom?: string | undefined;
  /** The CA as text (PEM); wins over cafile. */
  readonly ca?: string | undefined;
  readonly insecure?: boolean | undefined;
  /** The region whose endpoints are looked up; any when empty. */
  readonly regionName?: string | undefined;
  /** The interface whose endpoints are looked up; `internal` when empty. */
  readonly interface?: string | undefined;
  /** Seconds for one request. */
  readonly timeout: number;
  /** New attempts to connect within the timeout; none when absent. */
  readonly retries?: number | undefined;
}

/** Epoch seconds. */
export type Clock = () => number;

interface Login {
  readonly token: string;
  /** On our clock. */
  readonly renewAt: number;
  readonly catalog: readonly CatalogEndpoint[];
}

/** Seconds before its end that a token is replaced (keystoneauth's will_expire_soon). */
const RENEW_BEFORE = 30;
/** Seconds after refused credentials without another attempt, so that the account is not locked by us. */
const REFUSED_PAUSE = 5;

const log = loggerFor('kerbside.identity');
const systemClock: Clock = () => Date.now() / 1000;

/** A standing login of the service. */
export class ServiceSession {
  readonly http: HttpClient;
  /** The URL of the Identity API v3, from auth_url. */
  readonly identity: string;
  readonly #options: KeystoneAuthOptions;
  readonly #clock: Clock;
  #login: Login | undefined;
  #pending: Promise<Login> | undefined;
  #refused: { readonly fault: KeystoneFault; readonly until: number } | undefined;

  /** @throws StartupError when the CA file cannot be read */
  constructor(options: KeystoneAuthOptions, clock: Clock = systemClock) {
    this.#options = options;
    this.#clock = clock;
    this.http = new HttpClient(options);
    this.identity = identityUrl(options.authUrl);
  }

  /** A token of the service. Secret. @throws KeystoneFault */
  async token(): Promise<string> {
    return (await this.#current()).token;
  }

  /** Forgets a token that a service did not accept; the next one is new. */
  invalidate(token: string): void {
    if (this.#login?.token === token) this.#login = undefined;
  }

  /**
   * The URL of a service, without a slash at its end.
   * @param type as the catalog has it, such as `compute`
   * @param iface public, internal or admin; the session's own when absent
   * @param region the session's own when absent; empty: any
   * @throws KeystoneFault of kind `catalog` when the catalog has none
   */
  async endpoint(type: string, iface?: string, region?: string): Promise<string> {
    const wanted = (iface ?? (this.#options.interface || 'internal')).replace(/URL$/, '');
    const where = region ?? this.#options.regionName ?? '';
    const { catalog } = await this.#current();
    const found = catalog.find(
      (endpoint) =>
        endpoint.type === type &&
        endpoint.interface.replace(/URL$/, '') === wanted &&
        (where === '' || endpoint.region === where),
    );
    if (found !== undefined) return found.url;
    const inRegion = where === '' ? '' : ` in region ${where}`;
    throw new KeystoneFault(
      'catalog',
      `the catalog of Keystone at ${placeOf(this.identity)} has no ${wanted} endpoint of type ${type}${inRegion}`,
    );
  }

  /** The URL of the Identity API v3: of the catalog, else of auth_url. @throws KeystoneFault */
  async identityUrl(): Promise<string> {
    try {
      return identityUrl(await this.endpoint('identity'));
    } catch (error) {
      if (error instanceof KeystoneFault && error.kind === 'catalog') return this.identity;
      throw error;
    }
  }

  async #current(): Promise<Login> {
    const now = this.#clock();
    if (this.#login !== undefined && now < this.#login.renewAt) return this.#login;
    if (this.#refused !== undefined && now < this.#refused.until) throw this.#refused.fault;
    this.#pending ??= this.#authenticate().finally(() => {
      this.#pending = undefined;
    });
    return this.#pending;
  }

  async #authenticate(): Promise<Login> {
    const call = {
      method: 'POST',
      url: `${this.identity}/auth/tokens`,
      body: this.#body(),
    } as const;
    const answer = await askKeystone(this.http, call);
    if (answer.status === 401 || answer.status === 403) throw this.#refuse();
    const token = answer.headers['x-subject-token'];
    const body = answer.status === 201 ? readTokenBody(answer.json) : undefined;
    if (body === undefined || token === undefined || token === '') throw unexpectedAnswer(call, answer);
    const lifetime = Math.max(0, body.expires - body.issued);
    const early = Math.min(RENEW_BEFORE, lifetime / 10);
    this.#refused = undefined;
    this.#login = { token, renewAt: this.#clock() + lifetime - early, catalog: body.catalog };
    log.debug('logged in at Keystone', { url: placeOf(this.identity), lifetime: Math.round(lifetime) });
    return this.#login;
  }

  #refuse(): KeystoneFault {
    const fault = new KeystoneFault(
      'credentials',
      `Keystone at ${placeOf(this.identity)} refuses the credentials of the service`,
    );
    this.#refused = { fault, until: this.#clock() + REFUSED_PAUSE };
    return fault;
  }

  #body(): Readonly<Record<string, unknown>> {
    const o = this.#options;
    if (o.authType === 'v3applicationcredential') {
      const { applicationCredentialId: id, applicationCredentialName: name } = o;
      return applicationCredentialBody({ ...o, id, name, secret: demanded(o.applicationCredentialSecret) });
    }
    return passwordBody({ ...o, password: demanded(o.password) }, o);
  }
}

function demanded(secret: Secret | undefined): Secret {
  if (secret === undefined)
    throw new KeystoneFault('credentials', 'the service has no password for Keystone');
  return secret;
}
