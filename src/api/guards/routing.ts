// SPDX-License-Identifier: Apache-2.0
// The first guard: which line of the table a request is for. The router has found the handler, and the handler knows its
// line. Every path has a fallback for the methods that it does not have, which is 405 for everyone.
import { Controller, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';
import { NotFound, MethodNotAllowed } from '../faults.js';
import { minorOf } from '../middleware/microversion.js';
import { stateOf } from '../request-context.js';
import type { Route } from '../route.js';
import { methodsOn } from '../routes.js';

const LINE = Symbol('line of the table of routes');

/** Tells a handler its line. */
export function attachRoute(handler: object, route: Route): void {
  Reflect.defineMetadata(LINE, route, handler);
}

/** Where a path of the table leads with a method that it does not have. */
@Controller()
export class MethodFallback {
  /** Never called: the guard refuses its requests, so that neither credentials nor bodies are read for them. */
  refuse(): void {
    throw new Error('the guard of routes was left out');
  }
}

/** Takes down the line of a request. */
export class RouteGuard implements CanActivate {
  /** @throws MethodNotAllowed, NotFound */
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<Request>();
    const route = Reflect.getMetadata(LINE, context.getHandler()) as Route | undefined;
    // Express sends HEAD where GET goes.
    if (route === undefined || (route.mints === true && request.method === 'HEAD'))
      throw new MethodNotAllowed(methodsOn((request.route as { readonly path: string }).path));
    if ((route.since ?? 0) > minorOf(request)) throw new NotFound();
    stateOf(request).route = route;
    return true;
  }
}
