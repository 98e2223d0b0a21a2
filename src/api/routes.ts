// SPDX-License-Identifier: Apache-2.0
// Every URL of the service: method, path, handler, and who may use it. Nothing is served that is not a line
// here: the router, the check of methods, authentication, authorization and the OpenAPI document all read this
// table. A path part that begins with a colon is a parameter.
import type { AuthController } from './controllers/auth.js';
import type { ConsoleController } from './controllers/console.js';
import type { ConsoleFileController } from './controllers/console-file.js';
import type { HealthController } from './controllers/health.js';
import type { OpenApiController } from './controllers/openapi.js';
import type { RootController } from './controllers/root.js';
import type { SessionController } from './controllers/session.js';
import type { SourceController } from './controllers/source.js';

/** The controllers by the name that the table calls them. */
export interface Controllers {
  readonly auth: AuthController;
  readonly console: ConsoleController;
  readonly consoleFile: ConsoleFileController;
  readonly health: HealthController;
  readonly openapi: OpenApiController;
  readonly root: RootController;
  readonly session: SessionController;
  readonly source: SourceController;
}

/** `<controller>.<method>`; the compiler checks that it exists. */
export type Handler = {
  [C in keyof Controllers]: `${C}.${keyof Controllers[C] & string}`;
}[keyof Controllers];

/**
 * Who may use a route.
 * `public`: anyone; a credential is not looked at. `optional`: anyone; a valid credential is taken note of.
 * `operator`: any user with a valid token. `admin`: an administrator.
 */
export type Access = 'public' | 'optional' | 'operator' | 'admin';

/** One line of the table. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly handler: Handler;
  readonly access: Access;
  /** What a user reads who is no administrator; `admin` routes only. */
  readonly refusal?: string;
  /** The handler takes a JSON body; all others refuse one that has members. */
  readonly body?: true;
  /** A GET that makes something: HEAD is refused for it. */
  readonly mints?: true;
}

/** The table. */
export const ROUTES: readonly Route[] = [
  { method: 'GET', path: '/', handler: 'root.show', access: 'optional' },
  { method: 'GET', path: '/healthcheck', handler: 'health.ready', access: 'public' },
  { method: 'GET', path: '/healthcheck/live', handler: 'health.live', access: 'public' },
  { method: 'GET', path: '/openapi.json', handler: 'openapi.show', access: 'public' },

  { method: 'POST', path: '/auth', handler: 'auth.login', access: 'public', body: true },
  { method: 'DELETE', path: '/auth', handler: 'auth.logout', access: 'optional' },

  { method: 'GET', path: '/source', handler: 'source.list', access: 'operator' },
  { method: 'GET', path: '/source/:name', handler: 'source.show', access: 'operator' },

  { method: 'GET', path: '/console', handler: 'console.list', access: 'operator' },
  { method: 'GET', path: '/console/:source/:uuid', handler: 'console.show', access: 'operator' },
  { method: 'GET', path: '/console/:source/:uuid/audit', handler: 'console.audit', access: 'operator' },
  {
    method: 'POST',
    path: '/console/:source/:uuid/terminate',
    handler: 'console.terminate',
    access: 'operator',
  },
  {
    method: 'GET',
    path: '/console/proxy/:source/:uuid/console.vv',
    handler: 'consoleFile.proxy',
    access: 'operator',
    mints: true,
  },
  {
    method: 'GET',
    path: '/console/direct/:source/:uuid/console.vv',
    handler: 'consoleFile.direct',
    access: 'admin',
    refusal: 'direct console access requires an administrator',
    mints: true,
  },

  { method: 'GET', path: '/session', handler: 'session.list', access: 'operator' },
  { method: 'POST', path: '/session/:session/terminate', handler: 'session.terminate', access: 'operator' },
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
