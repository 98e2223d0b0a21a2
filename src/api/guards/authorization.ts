// SPDX-License-Identifier: Apache-2.0
// Whether the user may do this at all: the access and the rule of the line in the table of routes. What the rule says
// about one console or session is asked where that is known, in the controllers; what it says about listings, is said
// here once.
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';
import type { Policy } from '../../policy.js';
import { Forbidden, Unauthorized } from '../faults.js';
import type { ListedUsers } from '../listed-users.js';
import { contextOf, routeOf, stateOf } from '../request-context.js';
import { dependsOnLists, scopeOf } from '../scope.js';

/** Called for an authenticated user who was refused, before the answer goes out. */
export type RefusalListener = (request: Request, user: string) => Promise<void>;

/** Refuses those whom the route is not for. */
export class AuthorizationGuard implements CanActivate {
  constructor(
    private readonly policy: Policy,
    private readonly onRefused: RefusalListener,
    private readonly lists: Pick<ListedUsers, 'of'>,
  ) {}

  /** @throws Unauthorized, Forbidden */
  async canActivate(execution: ExecutionContext): Promise<boolean> {
    const request = execution.switchToHttp().getRequest<Request>();
    const route = routeOf(request);
    if (route.access !== 'user') return true;
    const context = contextOf(request);
    if (context.user === undefined) throw new Unauthorized('unauthorized');
    const listed = dependsOnLists(this.policy, route, context) ? await this.lists.of(context) : undefined;
    if (listed !== undefined) stateOf(request).listed = listed;
    const scope = scopeOf(this.policy, route, context, listed?.grants);
    if (scope === null) {
      await this.onRefused(request, context.user);
      throw new Forbidden(route.refusal ?? 'forbidden');
    }
    stateOf(request).scope = scope;
    return true;
  }
}
