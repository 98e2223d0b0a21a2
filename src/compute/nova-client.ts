// SPDX-License-Identifier: Apache-2.0
// The client of one Nova: finds out what it speaks, makes consoles as a user or as the service, reads console tokens,
// looks at servers. Which call at which microversion is the table's choice, in microversions.ts.
import { setTimeout as sleep } from 'node:timers/promises';
import type { HttpAnswer } from '../identity/http-client.js';
import { InstanceNotReady } from '../objects/instance-fault.js';
import { NovaRefused, NovaTooOld, NovaUnavailable } from './faults.js';
import {
  consoleFault,
  memberOf,
  membersOf,
  portOf,
  readInstance,
  textOf,
  type Instance,
  type Members,
} from './instance.js';
import {
  microversionText,
  offerOf,
  parseMicroversion,
  READS_TOKENS,
  type ConsoleType,
  type CreateWay,
  type Offer,
  type Patch,
  type VersionRange,
} from './microversions.js';
import { faultMessage, NovaHttp, placeOf, type ComputeSession, type NovaCall } from './nova-http.js';

/** How a client behaves. */
export interface NovaOptions {
  /** The private microversion of a patched release; probed before it is believed. */
  readonly patch?: Patch | null | undefined;
  /** Seconds for which the versions document is believed. */
  readonly discoveryTtl?: number | undefined;
  /** Seconds before a 500 of an instance that changes is tried again, doubled each time. */
  readonly retryDelay?: number | undefined;
  /** Epoch seconds. */
  readonly now?: (() => number) | undefined;
}

/** With whose token, and until when. */
export interface AskOptions {
  /** The user's Keystone token; the service's own when absent. Secret. */
  readonly token?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A console that was made. */
export type CreatedConsole =
  /** `token` is what os-console-auth-tokens knows; a secret, as is `url`. */
  | { readonly kind: 'token'; readonly type: ConsoleType; readonly url: string; readonly token: string }
  /** A patched Nova gives host and ports at once. */
  | {
      readonly kind: 'address';
      readonly type: ConsoleType;
      readonly host: string;
      readonly port: number | null;
      readonly tlsPort: number | null;
    };

/** Where a console token leads. */
export interface ResolvedConsole {
  readonly instanceUuid: string;
  readonly host: string;
  readonly port: number | null;
  readonly tlsPort: number | null;
}

const DISCOVERY_TTL = 300;
const RETRY_DELAY = 0.4;
/** How often a 500 is tried again that may be of an instance in between two states. */
const RETRIES = 2;
/** Nova's tokens are UUIDs; what is none of these characters never was one, and must not move about in a URL. */
const TOKEN = /^[\w-]{1,255}$/;
const SERVER_ID = /^[\w-]{1,64}$/;
/** What a server is asked for with: from 2.47 on its flavor comes with it, and its extra specs. */
const SERVER_VERSION = 47;
const FLAVOR_VERSION = 1;
const HYPERVISORS_VERSION = 1;
/** Of a cell a few hundred, of a cloud some thousand. */
const MAX_HYPERVISORS = 20_000;

const systemClock = (): number => Date.now() / 1000;

/** The Nova behind one session. */
export class NovaClient {
  private readonly http: NovaHttp;
  private readonly options: NovaOptions;
  private known: { readonly versions: VersionRange; readonly until: number } | undefined;
  private pending: Promise<VersionRange> | undefined;
  /** Set when a probe showed that the patches are not in, for as long as the versions are believed. */
  private unpatched = false;

  constructor(session: ComputeSession, options: NovaOptions = {}) {
    this.http = new NovaHttp(session);
    this.options = options;
  }

  /** The microversions that this Nova speaks; asked once, then believed for a while. @throws Unavailable */
  async discover(signal?: AbortSignal): Promise<VersionRange> {
    const now = (this.options.now ?? systemClock)();
    if (this.known !== undefined && now < this.known.until) return this.known.versions;
    this.pending ??= this.readVersions(signal)
      .then((versions) => {
        this.known = { versions, until: now + (this.options.discoveryTtl ?? DISCOVERY_TTL) };
        this.unpatched = false;
        return versions;
      })
      .finally(() => {
        this.pending = undefined;
      });
    return this.pending;
  }

  /** What this Nova offers. @throws Unavailable */
  async offer(signal?: AbortSignal): Promise<Offer> {
    const versions = await this.discover(signal);
    return offerOf(versions, this.unpatched ? null : (this.options.patch ?? null));
  }

  /**
   * Makes a console.
   * @param type `best`: with the TLS port where this Nova can, else with the plain one
   * @throws InstanceNotReady when the instance is gone, stopped, moving or not built
   * @throws NovaRefused when Nova's policy or configuration says no, or it has no such type
   * @throws Unavailable when Nova does not answer as Nova
   */
  async createConsole(
    uuid: string,
    type: ConsoleType | 'best',
    options: AskOptions = {},
  ): Promise<CreatedConsole> {
    if (!SERVER_ID.test(uuid)) throw new InstanceNotReady('gone');
    const offer = await this.offer(options.signal);
    const wanted = type === 'best' && offer.create['spice-direct'] !== undefined ? 'spice-direct' : type;
    const chosen = wanted === 'best' ? 'spice-html5' : wanted;
    const way = offer.create[chosen];
    if (way === undefined) throw await this.notOffered(chosen);
    const answer = await this.createPatiently(uuid, chosen, way, options);
    if (answer.status === 400 && chosen === 'spice-direct' && way.version < 99 && !this.unpatched) {
      this.unpatched = true;
      return this.createConsole(uuid, type, options);
    }
    if (answer.status !== 200) throw createFault(answer);
    return readCreated(answer, chosen, way);
  }

  /**
   * Where a console token leads; null when Nova does not know it (never did, or not any more).
   * @throws NovaTooOld when this Nova cannot give it
   * @throws Unavailable when it does not answer as Nova, or refuses the service
   */
  async resolveToken(
    token: string,
    options: Pick<AskOptions, 'signal'> = {},
  ): Promise<ResolvedConsole | null> {
    if (!TOKEN.test(token)) return null;
    const offer = await this.offer(options.signal);
    if (offer.resolve === null) throw await this.tooOld();
    const { version } = offer.resolve;
    const path = `/os-console-auth-tokens/${token}`;
    const answer = await this.call({ method: 'GET', path, version, signal: options.signal });
    switch (answer.status) {
      case 200:
        return readResolved(answer);
      case 404:
        return null;
      case 403:
        throw new NovaUnavailable(
          "Nova's policy os_compute_api:os-console-auth-tokens does not allow the service to read console tokens; " +
            'give its user the role that the policy names (admin)',
        );
      default:
        throw unexpected(answer);
    }
  }

  /** A server; null when there is none, or the token may not know of it. @throws Unavailable, NovaRefused */
  async server(uuid: string, options: AskOptions = {}): Promise<Instance | null> {
    if (!SERVER_ID.test(uuid)) return null;
    const path = `/servers/${uuid}`;
    const { min, max } = await this.discover(options.signal);
    const version = Math.max(Math.min(SERVER_VERSION, max), min);
    const answer = await this.call({ method: 'GET', path, version, ...options });
    if (answer.status === 404) return null;
    if (answer.status === 403) throw refused(403, answer);
    const instance = answer.status === 200 ? readInstance(answer.json) : null;
    if (instance === null) throw unexpected(answer);
    return instance;
  }

  /** The extra specs of a flavor, for a Nova whose servers come without; null when there is no such flavor. @throws Unavailable, NovaRefused */
  async extraSpecs(flavor: string, options: Pick<AskOptions, 'signal'> = {}): Promise<Members | null> {
    const { min } = await this.discover(options.signal);
    const path = `/flavors/${encodeURIComponent(flavor)}/os-extra_specs`;
    const version = Math.max(FLAVOR_VERSION, min);
    const answer = await this.call({ method: 'GET', path, version, ...options });
    if (answer.status === 404) return null;
    if (answer.status === 403) throw refused(403, answer);
    const specs = answer.status === 200 ? membersOf(memberOf(answer.json, 'extra_specs')) : null;
    if (specs === null) throw unexpected(answer);
    return specs;
  }

  /**
   * The names and addresses of all hypervisors: `host_ip`, `hypervisor_hostname` and the host of the service.
   * @throws Unavailable, also when Nova's policy does not let the service read them
   */
  async hypervisors(options: Pick<AskOptions, 'signal'> = {}): Promise<string[]> {
    const { min } = await this.discover(options.signal);
    const version = Math.max(HYPERVISORS_VERSION, min);
    const answer = await this.call({ method: 'GET', path: '/os-hypervisors/detail', version, ...options });
    if (answer.status === 403)
      throw new NovaUnavailable(
        "Nova's policy os_compute_api:os-hypervisors:list-detail does not allow the service to read its hypervisors; give " +
          'its user the role that the policy names (admin), or set [migration] allowed_hosts',
      );
    const listed = answer.status === 200 ? memberOf(answer.json, 'hypervisors') : undefined;
    if (!Array.isArray(listed)) throw unexpected(answer);
    const names = listed
      .slice(0, MAX_HYPERVISORS)
      .flatMap((one: unknown) => [
        textOf(one, 'host_ip'),
        textOf(one, 'hypervisor_hostname'),
        textOf(memberOf(one, 'service'), 'host'),
      ]);
    return [...new Set(names.filter((name) => name !== null))];
  }

  // Nova does not catch InstanceInvalidState for SPICE, nor a guest without a port: both are a 500. Only the
  // server's own state tells them apart from a Nova that is broken.
  private async createPatiently(
    uuid: string,
    type: ConsoleType,
    way: CreateWay,
    options: AskOptions,
  ): Promise<HttpAnswer> {
    const delay = this.options.retryDelay ?? RETRY_DELAY;
    for (let attempt = 0; ; attempt += 1) {
      const answer = await this.call({ ...createCall(uuid, type, way), ...options });
      if (answer.status !== 500) return answer;
      const instance = await this.server(uuid, options);
      const fault = instance === null ? 'gone' : consoleFault(instance);
      const passing = fault === null || fault === 'moving';
      if (!passing || attempt === RETRIES) {
        if (fault !== null) throw new InstanceNotReady(fault);
        throw new NovaUnavailable('Nova cannot make a console of the instance: it answered 500');
      }
      await this.pause(delay * 2 ** attempt, fault === 'moving', options.signal);
    }
  }

  private async pause(seconds: number, moving: boolean, signal: AbortSignal | undefined): Promise<void> {
    try {
      await sleep(seconds * 1000, undefined, signal === undefined ? {} : { signal });
    } catch {
      if (moving) throw new InstanceNotReady('moving');
      throw new NovaUnavailable('Nova cannot make a console of the instance: it answered 500');
    }
  }

  // 406: Nova was replaced by an older one since it was asked. Once, with what it speaks now.
  private async call(call: NovaCall): Promise<HttpAnswer> {
    const answer = await this.http.call(call);
    if (answer.status !== 406) return answer;
    this.known = undefined;
    const { min, max } = await this.discover(call.signal);
    if (call.version >= min && call.version <= max) {
      const again = await this.http.call(call);
      if (again.status !== 406) return again;
    }
    throw new NovaUnavailable(
      `Nova speaks ${microversionText(min)} to ${microversionText(max)} and was asked at ` +
        `${microversionText(call.version)}: another release than before? Try again`,
    );
  }

  private async readVersions(signal: AbortSignal | undefined): Promise<VersionRange> {
    const base = await this.http.base();
    const root = base.replace(/\/v2\.1(\/.*)?$/, '');
    const first = await this.http.open(`${root}/`, signal);
    const versions = readVersions(first.json);
    if (versions !== null) return versions;
    // A balancer may serve the API below its path only.
    const second = await this.http.open(`${base.replace(/(\/v2\.1)\/.*$/, '$1')}/`, signal);
    const own = readVersions(second.json);
    if (own !== null) return own;
    throw new NovaUnavailable(
      `Nova at ${placeOf(base)} does not tell its versions: it answered ${String(first.status)} and ${String(second.status)}`,
    );
  }

  private async tooOld(): Promise<NovaTooOld> {
    const { max } = await this.discover();
    return new NovaTooOld(
      `this Nova speaks ${microversionText(max)} at most; reading its console tokens takes ${READS_TOKENS} or later`,
    );
  }

  private async notOffered(type: ConsoleType): Promise<NovaRefused> {
    const { max } = await this.discover();
    return new NovaRefused(
      400,
      `this Nova speaks ${microversionText(max)} at most and has no ${type} consoles; ask for another type`,
    );
  }
}

const ACTIONS: Readonly<Record<ConsoleType, string>> = {
  'spice-direct': 'os-getSPICEConsole',
  'spice-html5': 'os-getSPICEConsole',
  novnc: 'os-getVNCConsole',
};

function createCall(uuid: string, type: ConsoleType, way: CreateWay): NovaCall {
  const server = `/servers/${uuid}`;
  const { version } = way;
  return way.call === 'action'
    ? { method: 'POST', path: `${server}/action`, version, body: { [ACTIONS[type]]: { type } } }
    : {
        method: 'POST',
        path: `${server}/remote-consoles`,
        version,
        body: { remote_console: { protocol: type === 'novnc' ? 'vnc' : 'spice', type } },
      };
}

function createFault(answer: HttpAnswer): Error {
  switch (answer.status) {
    case 400:
    case 403:
    case 501:
      return refused(answer.status, answer);
    case 404:
      return new InstanceNotReady('gone');
    case 409:
      return new InstanceNotReady('building');
    default:
      return unexpected(answer);
  }
}

function refused(status: 400 | 403 | 501, answer: HttpAnswer): NovaRefused {
  return new NovaRefused(status, `Nova refuses: ${faultMessage(answer) || String(status)}`);
}

function unexpected(answer: HttpAnswer): NovaUnavailable {
  const said = answer.status === 200 ? '' : faultMessage(answer);
  return new NovaUnavailable(
    `Nova answered ${String(answer.status)}, which was not expected${said === '' ? '' : `: ${said}`}`,
  );
}

function readCreated(answer: HttpAnswer, type: ConsoleType, way: CreateWay): CreatedConsole {
  const console = memberOf(answer.json, way.call === 'action' ? 'console' : 'remote_console');
  const host = textOf(console, 'host');
  if (way.answers === 'address' && host !== null) {
    return {
      kind: 'address',
      type,
      host,
      port: portOf(console, 'port'),
      tlsPort: portOf(console, 'tls_port'),
    };
  }
  const url = textOf(console, 'url') ?? '';
  const token = tokenIn(url);
  if (token === null) throw unexpected(answer);
  return { kind: 'token', type, url, token };
}

/** A link to noVNC has the token within the path of its WebSocket: `?path=%3Ftoken%3D...`. */
function tokenIn(url: string): string | null {
  if (!URL.canParse(url)) return null;
  const { searchParams } = new URL(url);
  const path = searchParams.get('path') ?? '';
  const token =
    searchParams.get('token') ?? new URLSearchParams(path.slice(path.indexOf('?') + 1)).get('token');
  return token === '' ? null : token;
}

function readResolved(answer: HttpAnswer): ResolvedConsole {
  const console = memberOf(answer.json, 'console');
  const instanceUuid = textOf(console, 'instance_uuid');
  const host = textOf(console, 'host');
  if (instanceUuid === null || host === null) throw unexpected(answer);
  return { instanceUuid, host, port: portOf(console, 'port'), tlsPort: portOf(console, 'tls_port') };
}

/** `GET /` lists versions, `GET /v2.1/` has one; the newest is `version`, elsewhere `max_version`. */
function readVersions(json: unknown): VersionRange | null {
  const listed = memberOf(json, 'versions');
  const candidates: unknown[] = Array.isArray(listed) ? listed : [memberOf(json, 'version')];
  const found = candidates.find((one) => textOf(one, 'id') === 'v2.1');
  const max = parseMicroversion(textOf(found, 'version') ?? textOf(found, 'max_version'));
  const min = parseMicroversion(textOf(found, 'min_version'));
  return max === null || min === null || min > max ? null : { min, max };
}
