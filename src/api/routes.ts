// SPDX-License-Identifier: Apache-2.0
// Every URL of the service: method, path, handler, and who may use it by which rule of the policy. Nothing is
// served that is not a line here: the router, its fallbacks for other methods, the guards and the OpenAPI document all
// read this table. A path part that begins with a colon is a parameter.
import type { AuditExportController } from './controllers/audit-export.js';
import type { AuthController } from './controllers/auth.js';
import type { ConsoleController } from './controllers/console.js';
import type { ConsoleFileController } from './controllers/console-file.js';
import type { HealthController } from './controllers/health.js';
import type { NovaController } from './controllers/nova.js';
import type { OpenApiController } from './controllers/openapi.js';
import type { RootController } from './controllers/root.js';
import type { SessionController } from './controllers/session.js';
import type { SourceController } from './controllers/source.js';
import type { UiController } from './controllers/ui.js';
import type { Route } from './route.js';
import type { SignedTokenController } from './controllers/signed-token.js';
import type { V1AuditEventController } from './controllers/v1/audit-events.js';
import type { V1ConnectionController } from './controllers/v1/connections.js';
import type { V1ConsoleController } from './controllers/v1/consoles.js';
import type { V1ServiceController } from './controllers/v1/services.js';
import type { V1SessionController } from './controllers/v1/sessions.js';
import type { V1SourceController } from './controllers/v1/sources.js';
import type { VersionController } from './controllers/v1/version.js';

/** The controllers by the name that the table calls them. */
export interface Controllers {
  readonly auditExport: AuditExportController;
  readonly auth: AuthController;
  readonly console: ConsoleController;
  readonly consoleFile: ConsoleFileController;
  readonly health: HealthController;
  readonly nova: NovaController;
  readonly openapi: OpenApiController;
  readonly root: RootController;
  readonly session: SessionController;
  readonly signedToken: SignedTokenController;
  readonly source: SourceController;
  readonly ui: UiController;
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

/** A line whose handler the compiler knows. */
interface Line extends Route {
  readonly handler: Handler;
}

/** The table. */
export const ROUTES: readonly Line[] = [
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
  { method: 'GET', path: '/sf-console.vv', handler: 'signedToken.file', access: 'public', mints: true },

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

  // The admin UI. What it shows comes from /v1; its page and files hold nothing of this site.
  { method: 'GET', path: '/ui', handler: 'ui.enter', access: 'public' },
  { method: 'GET', path: '/ui/', handler: 'ui.page', access: 'public' },
  { method: 'GET', path: '/ui/assets/:file', handler: 'ui.asset', access: 'public' },
  { method: 'GET', path: '/ui/whoami', handler: 'ui.whoami', access: 'optional' },
  {
    method: 'GET',
    path: '/ui/overview',
    handler: 'ui.overview',
    access: 'user',
    rule: 'kerbside:services:list',
  },
  {
    method: 'GET',
    path: '/ui/events',
    handler: 'ui.events',
    access: 'user',
    rule: 'kerbside:sessions:list',
    mints: true,
  },

  {
    method: 'GET',
    path: '/ui/audit.csv',
    handler: 'auditExport.csv',
    access: 'user',
    rule: 'kerbside:audit_events:list',
    mints: true,
  },
  {
    method: 'GET',
    path: '/ui/audit.json',
    handler: 'auditExport.json',
    access: 'user',
    rule: 'kerbside:audit_events:list',
    mints: true,
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

/** The path as the router spells it: Nest would drop a slash at the end. */
export function routerPath({ path }: Pick<Route, 'path'>): string {
  return path.length > 1 && path.endsWith('/') ? `${path.slice(0, -1)}{/}` : path;
}

/** The methods of a path, as Allow names them. @param path as {@link routerPath} spells it */
export function methodsOn(path: string): string[] {
  const methods = ROUTES.filter((route) => routerPath(route) === path).flatMap(methodsOf);
  return [...new Set(methods)].sort();
}

/** HEAD goes where GET goes, but not where GET makes a token. */
function methodsOf(route: Route): string[] {
  return route.method === 'GET' && route.mints !== true ? ['GET', 'HEAD'] : [route.method];
}
