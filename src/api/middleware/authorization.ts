// SPDX-License-Identifier: Apache-2.0
// Whether the user may do this: the access column of the table of routes, and nothing else.
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { RequestContext } from '../../context.js';
import { Forbidden, Unauthorized } from '../faults.js';
import { contextOf } from '../request-context.js';
import type { Access } from '../routes.js';
import { routeOf, type RoutedRequest } from './routing.js';

/** Is told of an authenticated user who was refused, before the answer goes out. */
export type RefusalListener = (refused: RoutedRequest, user: string) => Promise<void>;

/** Refuses those whom the route is not for. */
export function authorization(onRefused: RefusalListener): RequestHandler {
  return async (request: Request, _response: Response, next: NextFunction): Promise<void> => {
    const routed = routeOf(request);
    const context = contextOf(request);
    if (!allows(routed.route.access, context)) {
      if (context.user === undefined) throw new Unauthorized('unauthorized');
      await onRefused(routed, context.user);
      throw new Forbidden(routed.route.refusal ?? 'forbidden');
    }
    next();
  };
}

/** Whether a rule lets this user pass. */
export function allows(access: Access, context: RequestContext): boolean {
  switch (access) {
    case 'public':
    case 'optional':
      return true;
    case 'operator':
      return context.user !== undefined;
    case 'admin':
      return context.user !== undefined && context.admin;
  }
}
