// SPDX-License-Identifier: Apache-2.0
// Whether the user may do this at all: the access and the rule of the line in the table of routes. What a rule says
// about one console or session is asked where that is known, in the controllers.
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { RequestContext } from '../../context.js';
import type { Policy } from '../../policy.js';
import { Forbidden, Unauthorized } from '../faults.js';
import { contextOf } from '../request-context.js';
import type { Route } from '../routes.js';
import { routeOf, type RoutedRequest } from './routing.js';

/** Is told of an authenticated user who was refused, before the answer goes out. */
export type RefusalListener = (refused: RoutedRequest, user: string) => Promise<void>;

/** Refuses those whom the route is not for. */
export function authorization(policy: Policy, onRefused: RefusalListener): RequestHandler {
  return async (request: Request, _response: Response, next: NextFunction): Promise<void> => {
    const routed = routeOf(request);
    const context = contextOf(request);
    if (!allows(policy, routed.route, context)) {
      if (context.user === undefined) throw new Unauthorized('unauthorized');
      await onRefused(routed, context.user);
      throw new Forbidden(routed.route.refusal ?? 'forbidden');
    }
    next();
  };
}

/** Whether a route is for this user: for anything at all, or at least for what belongs to their project. */
export function allows(
  policy: Policy,
  route: Pick<Route, 'access' | 'rule'>,
  context: RequestContext,
): boolean {
  if (route.access !== 'user') return true;
  if (context.user === undefined) return false;
  const { rule } = route;
  if (rule === undefined) return true;
  const own = { project_id: context.projectId, user_id: context.userId };
  return policy.authorize(context, rule, {}) || policy.authorize(context, rule, own);
}
