// SPDX-License-Identifier: Apache-2.0
// Every URL of the service: method, path, handler, and who may use it by which rule of the policy. Nothing is
// served that is not a line here: the router, the check of methods, authentication, authorization and the OpenAPI document all read this
// table. A path part that begins with a colon is a parameter.
import type { AuthController } from './controllers/auth.js';
import type { ConsoleController } from './controllers/console.js';
import type { ConsoleFileController } from './controllers/console-file.js';
import type { HealthController } from './controllers/health.js';
import type { NovaController } from './controllers/nova.js';
import type { OpenApiController } from './controllers/openapi.js';
import type { RootController } from './controllers/root.js';
import type { SessionController } from './controllers/session.js';
import type { SourceController } from './controllers/source.js';
import type { RuleName } from '../policy.js';
import type { V1AuditEventController } from './controllers/v1/audit-events.js';
import type { V1ConnectionController } from './controllers/v1/connections.js';
import type { V1ConsoleController } from './controllers/v1/consoles.js';
import type { V1ServiceController } from './controllers/v1/services.js';
import type { V1SessionController } from './controllers/v1/sessions.js';
import type { V1SourceController } from './controllers/v1/sources.js';
import type { VersionController } from './controllers/v1/version.js';

/** The controllers by the name that the table calls them. */
export interface Controllers {
  readonly auth: AuthController;
  readonly console: ConsoleController;
  readonly consoleFile: ConsoleFileController;
  readonly health: HealthController;
  readonly nova: NovaController;
  readonly openapi: OpenApiController;
  readonly root: RootController;
  readonly session: SessionController;
  readonly source: SourceController;
  readonly v1AuditEvent: V1AuditEventController;
  readonly v1Connection: V1ConnectionController;
  readonly v1Console: V1ConsoleController;
  readonly v1Service: V1ServiceController;
  readonly v1Session: V1SessionController;
  readonly v1Source: V1SourceController;
  readonly version: VersionController;
}

/** `<controller>.<method>`; the compiler checks that it exists. */
export type Handler = {
  [C in keyof Controllers]: `${C}.${keyof Controllers[C] & string}`;
}[keyof Controllers];

/**
 * Who may use a route.
 * `public`: anyone; a credential is not looked at. `optional`: anyone; a valid credential is taken note of.
 * `user`: whoever has a valid token, and whom the rule lets pass.
 */
export type Access = 'public' | 'optional' | 'user';

/** One line of the table. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly handler: Handler;
  readonly access: Access;
  /** The rule of the policy that lets a user pass; `user` routes only. */
  readonly rule?: RuleName;
  /** What a user reads whom the rule does not let pass at all. */
  readonly refusal?: string;
  /** The handler takes a JSON body; all others refuse one that has members. */
  readonly body?: true;
  /** The status of success; 200 when absent. */
  readonly success?: 201 | 204;
  /** A GET that makes something: HEAD is refused for it. */
  readonly mints?: true;
  /** The minor version of /v1 that it came with; 0 when absent. In older ones it does not exist. */
  readonly since?: number;
}

/** The table. */
export const ROUTES: readonly Route[] = [
  { method: 'GET', path: '/', handler: 'root.show', access: 'optional' },
  { method: 'GET', path: '/healthcheck', handler: 'health.ready', access: 'public' },
  { method: 'GET', path: '/healthcheck/live', handler: 'health.live', access: 'public' },
  { method: 'GET', path: '/openapi.json', handler: 'openapi.show', access: 'public' },

  { method: 'POST', path: '/auth', handler: 'auth.login', access: 'public', body: true },
  { method: 'DELETE', path: '/auth', handler: 'auth.logout', access: 'optional' },

  { method: 'GET', path: '/source', handler: 'source.list', access: 'user', rule: 'kerbside:sources:list' },
  {
    method: 'GET',
    path: '/source/:name',
    handler: 'source.show',
    access: 'user',
    rule: 'kerbside:sources:show',
  },

  {
    method: 'GET',
    path: '/console',
    handler: 'console.list',
    access: 'user',
    rule: 'kerbside:consoles:list',
  },
  {
    method: 'GET',
    path: '/console/:source/:uuid',
    handler: 'console.show',
    access: 'user',
    rule: 'kerbside:consoles:show',
  },
  {
    method: 'GET',
    path: '/console/:source/:uuid/audit',
    handler: 'console.audit',
    access: 'user',
    rule: 'kerbside:consoles:audit',
  },
  {
    method: 'POST',
    path: '/console/:source/:uuid/terminate',
    handler: 'console.terminate',
    access: 'user',
    rule: 'kerbside:consoles:terminate',
  },
  {
    method: 'GET',
    path: '/console/proxy/:source/:uuid/console.vv',
    handler: 'consoleFile.proxy',
    access: 'user',
    rule: 'kerbside:consoles:create',
    mints: true,
  },
  {
    method: 'GET',
    path: '/console/direct/:source/:uuid/console.vv',
    handler: 'consoleFile.direct',
    access: 'user',
    rule: 'kerbside:consoles:direct',
    refusal: 'direct console access requires an administrator',
    mints: true,
  },

  { method: 'GET', path: '/nova', handler: 'nova.exchange', access: 'public', mints: true },
  { method: 'GET', path: '/nova-console.vv', handler: 'nova.file', access: 'public', mints: true },

  {
    method: 'GET',
    path: '/session',
    handler: 'session.list',
    access: 'user',
    rule: 'kerbside:sessions:list',
  },
  {
    method: 'POST',
    path: '/session/:session/terminate',
    handler: 'session.terminate',
    access: 'user',
    rule: 'kerbside:sessions:terminate',
  },

  // The OpenStack API. Its controllers ask the policy.
  { method: 'GET', path: '/v1', handler: 'version.showBare', access: 'public' },
  { method: 'GET', path: '/v1/', handler: 'version.show', access: 'public' },
  {
    method: 'GET',
    path: '/v1/consoles',
    handler: 'v1Console.list',
    access: 'user',
    rule: 'kerbside:consoles:list',
  },
  {
    method: 'POST',
    path: '/v1/consoles',
    handler: 'v1Console.create',
    access: 'user',
    rule: 'kerbside:consoles:create',
    body: true,
    success: 201,
  },
  {
    method: 'GET',
    path: '/v1/consoles/:source/:uuid',
    handler: 'v1Console.show',
    access: 'user',
    rule: 'kerbside:consoles:show',
  },
  {
    method: 'DELETE',
    path: '/v1/consoles/:source/:uuid',
    handler: 'v1Console.terminate',
    access: 'user',
    rule: 'kerbside:consoles:terminate',
    success: 204,
  },
  {
    method: 'GET',
    path: '/v1/sessions',
    handler: 'v1Session.list',
    access: 'user',
    rule: 'kerbside:sessions:list',
  },
  {
    method: 'GET',
    path: '/v1/sessions/:id',
    handler: 'v1Session.show',
    access: 'user',
    rule: 'kerbside:sessions:show',
  },
  {
    method: 'DELETE',
    path: '/v1/sessions/:id',
    handler: 'v1Session.terminate',
    access: 'user',
    rule: 'kerbside:sessions:terminate',
    success: 204,
  },
  // The key in the query is the credential, and works once.
  {
    method: 'GET',
    path: '/v1/sessions/:id/console.vv',
    handler: 'v1Session.file',
    access: 'public',
    mints: true,
  },
  {
    method: 'GET',
    path: '/v1/connections',
    handler: 'v1Connection.list',
    access: 'user',
    rule: 'kerbside:connections:list',
  },
  {
    method: 'GET',
    path: '/v1/sources',
    handler: 'v1Source.list',
    access: 'user',
    rule: 'kerbside:sources:list',
  },
  {
    method: 'GET',
    path: '/v1/sources/:name',
    handler: 'v1Source.show',
    access: 'user',
    rule: 'kerbside:sources:show',
  },
  {
    method: 'GET',
    path: '/v1/audit-events',
    handler: 'v1AuditEvent.list',
    access: 'user',
    rule: 'kerbside:audit_events:list',
  },
  {
    method: 'GET',
    path: '/v1/services',
    handler: 'v1Service.list',
    access: 'user',
    rule: 'kerbside:services:list',
    since: 1,
  },
];

/** A request's path, found in the table. */
export type Match =
  | { readonly kind: 'route'; readonly route: Route; readonly params: Readonly<Record<string, string>> }
  | { readonly kind: 'wrong_method'; readonly allowed: readonly string[] }
  | { readonly kind: 'unknown' }
  /** The path holds a percent sign that encodes nothing. */
  | { readonly kind: 'malformed' };

/** Finds the line for a request. Paths are compared exactly: case, no slash at the end. HEAD goes where GET does. */
export function matchRoute(method: string, path: string): Match {
  const parts = path.split('/');
  const onPath = COMPILED.filter((candidate) => fits(candidate.parts, parts));
  if (onPath.length === 0) return { kind: 'unknown' };
  const found = onPath.find((candidate) => methodsOf(candidate.route).includes(method));
  if (found === undefined) {
    const allowed = new Set(onPath.flatMap((candidate) => methodsOf(candidate.route)));
    return { kind: 'wrong_method', allowed: [...allowed].sort() };
  }
  const params = paramsOf(found.parts, parts);
  return params === undefined ? { kind: 'malformed' } : { kind: 'route', route: found.route, params };
}

const COMPILED = ROUTES.map((route) => ({ route, parts: route.path.split('/') }));

function methodsOf(route: Route): string[] {
  return route.method === 'GET' && route.mints !== true ? ['GET', 'HEAD'] : [route.method];
}

function fits(template: readonly string[], parts: readonly string[]): boolean {
  return (
    template.length === parts.length &&
    template.every((part, index) => (part.startsWith(':') ? parts[index] !== '' : part === parts[index]))
  );
}

function paramsOf(template: readonly string[], parts: readonly string[]): Record<string, string> | undefined {
  try {
    const named = template.flatMap((part, index): [string, string][] =>
      part.startsWith(':') ? [[part.slice(1), decodeURIComponent(parts[index] ?? '')]] : [],
    );
    return Object.fromEntries(named);
  } catch {
    return undefined;
  }
}
