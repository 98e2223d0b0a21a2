// SPDX-License-Identifier: Apache-2.0
// The requests of Keystone's Identity API v3 that Kerbside makes, and the reading of its answers: what Keystone sends
// is checked here once, and is a type from here on.
import type { Secret } from '../conf/secret.js';
import type { HttpCall } from './http-call.js';
import { HttpFault, type HttpAnswer, type HttpClient } from './http-client.js';
import { KeystoneFault } from './keystone-fault.js';

/** A password login. Of each name and id one is enough; the id wins. */
export interface PasswordCredentials {
  readonly username?: string | undefined;
  readonly userId?: string | undefined;
  readonly password: Secret;
  readonly userDomainId?: string | undefined;
  readonly userDomainName?: string | undefined;
}

/** The login of an application credential: by id, or by name and the user that it belongs to. */
export interface ApplicationCredentials {
  readonly id?: string | undefined;
  readonly name?: string | undefined;
  readonly secret: Secret;
  readonly username?: string | undefined;
  readonly userId?: string | undefined;
  readonly userDomainId?: string | undefined;
  readonly userDomainName?: string | undefined;
}

/** What a token is for; nothing at all: what Keystone makes of it (the user's default project, or no scope). */
export interface TokenScope {
  readonly projectId?: string | undefined;
  readonly projectName?: string | undefined;
  readonly projectDomainId?: string | undefined;
  readonly projectDomainName?: string | undefined;
  /** `all`: the whole deployment. */
  readonly systemScope?: string | undefined;
}

/** An endpoint of the catalog. */
export interface CatalogEndpoint {
  readonly type: string;
  readonly interface: string;
  readonly region: string;
  readonly url: string;
}

/** A rule of an application credential: what its tokens may ask for. */
export interface AccessRule {
  readonly service: string;
  readonly method: string;
  readonly path: string;
}

/** What Keystone says about a token. */
export interface TokenBody {
  readonly userId: string;
  readonly userName: string;
  readonly userDomainId: string | null;
  readonly userDomainName: string | null;
  readonly projectId: string | null;
  readonly projectName: string | null;
  readonly systemScope: boolean;
  /** Lower case. */
  readonly roles: readonly string[];
  /** Epoch seconds by Keystone's clock. */
  readonly expires: number;
  /** Epoch seconds by Keystone's clock; equal to `expires` when Keystone does not say. */
  readonly issued: number;
  readonly catalog: readonly CatalogEndpoint[];
  /** null: no rules, the token may ask for anything. */
  readonly accessRules: readonly AccessRule[] | null;
  /** The ids of the groups that a federated login has put the user into; empty for others. */
  readonly federatedGroups: readonly string[];
}

/** A group. */
export interface KeystoneGroup {
  readonly id: string;
  readonly name: string;
  readonly domainId: string | null;
}

type Json = Readonly<Record<string, unknown>>;

/** The URL of Identity API v3 for an auth_url with or without a version at its end. */
export function identityUrl(authUrl: string): string {
  const bare = authUrl.trim().replace(/\/+$/, '');
  if (/\/v3$/.test(bare)) return bare;
  return `${bare.replace(/\/v2\.0$/, '')}/v3`;
}

/** The body of POST /auth/tokens for a password. */
export function passwordBody(credentials: PasswordCredentials, scope: TokenScope): Json {
  const user = { ...userOf(credentials), password: credentials.password.reveal() };
  return { auth: { identity: { methods: ['password'], password: { user } }, ...scopeOf(scope) } };
}

/** The body of POST /auth/tokens for an application credential, whose scope is part of it. */
export function applicationCredentialBody(credentials: ApplicationCredentials): Json {
  const secret = credentials.secret.reveal();
  const named = filled(credentials.id)
    ? { id: credentials.id, secret }
    : { name: credentials.name, user: userOf(credentials), secret };
  return { auth: { identity: { methods: ['application_credential'], application_credential: named } } };
}

function userOf(user: Omit<PasswordCredentials, 'password'>): Json {
  if (filled(user.userId)) return { id: user.userId };
  return { name: user.username, domain: domainOf(user.userDomainId, user.userDomainName) };
}

function scopeOf(scope: TokenScope): Json {
  if (filled(scope.systemScope)) return { scope: { system: { all: true } } };
  if (filled(scope.projectId)) return { scope: { project: { id: scope.projectId } } };
  if (!filled(scope.projectName)) return {};
  const domain = domainOf(scope.projectDomainId, scope.projectDomainName);
  return { scope: { project: { name: scope.projectName, domain } } };
}

function domainOf(id: string | undefined, name: string | undefined): Json {
  if (filled(id)) return { id };
  return filled(name) ? { name } : { id: 'default' };
}

function filled(text: string | undefined): text is string {
  return text !== undefined && text !== '';
}

/**
 * Sends a request to Keystone. A redirect is an answer like any other here.
 * @throws KeystoneFault when there is no whole answer
 */
export async function askKeystone(http: HttpClient, call: HttpCall): Promise<HttpAnswer> {
  try {
    return await http.send(call);
  } catch (error) {
    if (!(error instanceof HttpFault)) throw error;
    throw new KeystoneFault(error.kind, `Keystone at ${placeOf(call.url)}: ${error.reason}`);
  }
}

/** The fault for an answer that is not one of those that Keystone gives to this request. */
export function unexpectedAnswer(call: HttpCall, answer: HttpAnswer): KeystoneFault {
  const place = `Keystone at ${placeOf(call.url)}`;
  if (answer.status >= 300 && answer.status < 400) {
    return new KeystoneFault('answer', `${place}: status ${answer.status}; redirects are not followed`);
  }
  if (answer.status < 300) return new KeystoneFault('answer', `${place}: the body is not Keystone's`);
  return new KeystoneFault('answer', `${place}: status ${answer.status}`);
}

/** Scheme, host and path of a URL, for a log: never user, password or query. */
export function placeOf(url: string): string {
  if (!URL.canParse(url)) return '(no URL)';
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

/** Reads the body of a token; undefined when it is none. */
export function readTokenBody(json: unknown): TokenBody | undefined {
  const token = record(record(json)?.['token']);
  const user = token === undefined ? undefined : readUser(record(token['user']));
  const expires = timeOf(token?.['expires_at']);
  if (token === undefined || user === undefined || expires === undefined) return undefined;
  const project = record(token['project']);
  return {
    ...user,
    projectId: text(project?.['id']) ?? null,
    projectName: text(project?.['name']) ?? null,
    systemScope: record(token['system'])?.['all'] === true,
    roles: list(token['roles']).flatMap((role) => text(record(role)?.['name'])?.toLowerCase() ?? []),
    expires,
    issued: timeOf(token['issued_at']) ?? expires,
    catalog: list(token['catalog']).flatMap(readService),
    accessRules: readAccessRules(record(token['application_credential'])?.['access_rules']),
    federatedGroups: readFederatedGroups(record(token['user'])),
  };
}

type User = Pick<TokenBody, 'userId' | 'userName' | 'userDomainId' | 'userDomainName'>;

function readUser(user: Json | undefined): User | undefined {
  const userId = text(user?.['id']);
  if (userId === undefined || userId === '') return undefined;
  const domain = record(user?.['domain']);
  return {
    userId,
    userName: text(user?.['name']) ?? userId,
    userDomainId: text(domain?.['id']) ?? null,
    userDomainName: text(domain?.['name']) ?? null,
  };
}

function timeOf(json: unknown): number | undefined {
  const time = Date.parse(text(json) ?? '') / 1000;
  return Number.isNaN(time) ? undefined : time;
}

function readFederatedGroups(user: Json | undefined): string[] {
  const groups = list(record(user?.['OS-FEDERATION'])?.['groups']);
  return groups.slice(0, MOST_GROUPS).flatMap((group) => text(record(group)?.['id']) ?? []);
}

/** Groups of one user beyond these do not count. */
const MOST_GROUPS = 500;

/** The groups of a list; undefined when it is none. */
export function readGroups(json: unknown): KeystoneGroup[] | undefined {
  const groups = record(json)?.['groups'];
  if (!Array.isArray(groups)) return undefined;
  return list(groups).flatMap((item) => {
    const group = record(item);
    const id = text(group?.['id']);
    return id === undefined
      ? []
      : [{ id, name: text(group?.['name']) ?? '', domainId: text(group?.['domain_id']) ?? null }];
  });
}

function readService(json: unknown): CatalogEndpoint[] {
  const service = record(json);
  const type = text(service?.['type']);
  if (type === undefined) return [];
  return list(service?.['endpoints']).flatMap((item) => {
    const endpoint = record(item);
    const url = text(endpoint?.['url']);
    if (url === undefined || !/^https?:\/\//.test(url)) return [];
    const region = text(endpoint?.['region_id']) ?? text(endpoint?.['region']) ?? '';
    return [{ type, interface: text(endpoint?.['interface']) ?? '', region, url: url.replace(/\/+$/, '') }];
  });
}

/** What is there and cannot be read allows nothing. */
function readAccessRules(json: unknown): AccessRule[] | null {
  if (json === undefined || json === null) return null;
  return list(json).flatMap((item) => {
    const rule = record(item);
    const [service, method, path] = [rule?.['service'], rule?.['method'], rule?.['path']].map(text);
    return service === undefined || method === undefined || path === undefined
      ? []
      : [{ service, method, path }];
  });
}

function record(json: unknown): Json | undefined {
  return typeof json === 'object' && json !== null && !Array.isArray(json) ? (json as Json) : undefined;
}

function list(json: unknown): readonly unknown[] {
  return Array.isArray(json) ? json : [];
}

function text(json: unknown): string | undefined {
  return typeof json === 'string' ? json : undefined;
}
