// SPDX-License-Identifier: Apache-2.0
// Ties the table of routes to the methods of the controllers: URL, status of success, and the line itself, which the
// guards read.
import { HttpCode, RequestMapping, RequestMethod, type Type } from '@nestjs/common';
import { AuditExportController } from './controllers/audit-export.js';
import { AuthController } from './controllers/auth.js';
import { ConsoleController } from './controllers/console.js';
import { ConsoleFileController } from './controllers/console-file.js';
import { HealthController } from './controllers/health.js';
import { NovaController } from './controllers/nova.js';
import { OpenApiController } from './controllers/openapi.js';
import { RootController } from './controllers/root.js';
import { SessionController } from './controllers/session.js';
import { SourceController } from './controllers/source.js';
import { SignedTokenController } from './controllers/signed-token.js';
import { UiController } from './controllers/ui.js';
import { V1AuditEventController } from './controllers/v1/audit-events.js';
import { V1ConnectionController } from './controllers/v1/connections.js';
import { V1ConsoleController } from './controllers/v1/consoles.js';
import { V1ServiceController } from './controllers/v1/services.js';
import { V1SessionController } from './controllers/v1/sessions.js';
import { V1SourceController } from './controllers/v1/sources.js';
import { VersionController } from './controllers/v1/version.js';
import { attachRoute, MethodFallback } from './guards/routing.js';
import { routerPath, ROUTES, type Controllers } from './routes.js';

const CONTROLLERS: { readonly [C in keyof Controllers]: Type<Controllers[C]> } = {
  auditExport: AuditExportController,
  auth: AuthController,
  console: ConsoleController,
  consoleFile: ConsoleFileController,
  health: HealthController,
  nova: NovaController,
  openapi: OpenApiController,
  root: RootController,
  session: SessionController,
  signedToken: SignedTokenController,
  source: SourceController,
  ui: UiController,
  v1AuditEvent: V1AuditEventController,
  v1Connection: V1ConnectionController,
  v1Console: V1ConsoleController,
  v1Service: V1ServiceController,
  v1Session: V1SessionController,
  v1Source: V1SourceController,
  version: VersionController,
};

/** Gives the controllers' methods their lines of the table. @returns the controllers in the order of the router */
export function bindRoutes(): Type[] {
  for (const route of ROUTES) {
    const [controller, action] = route.handler.split('.') as [keyof Controllers, string];
    const { prototype, descriptor, handler } = methodOf(CONTROLLERS[controller], action);
    const mapping = { path: routerPath(route), method: RequestMethod[route.method] };
    RequestMapping(mapping)(prototype, action, descriptor);
    HttpCode(route.success ?? 200)(prototype, action, descriptor);
    attachRoute(handler, route);
  }
  const { prototype, descriptor } = methodOf(MethodFallback, 'refuse');
  const path = [...new Set(ROUTES.map(routerPath))];
  RequestMapping({ path, method: RequestMethod.ALL })(prototype, 'refuse', descriptor);
  // Last: the router takes what comes first.
  return [...Object.values(CONTROLLERS), MethodFallback];
}

function methodOf(
  controller: Type,
  name: string,
): { readonly prototype: object; readonly descriptor: PropertyDescriptor; readonly handler: object } {
  const prototype = controller.prototype as object;
  const descriptor = Object.getOwnPropertyDescriptor(prototype, name);
  const handler: unknown = descriptor?.value;
  if (descriptor === undefined || typeof handler !== 'function') throw new Error(`no handler ${name}`);
  return { prototype, descriptor, handler };
}
