// SPDX-License-Identifier: Apache-2.0
// The policy as controllers ask it: about the things of a listing, and about one thing. The rule is that of the request's
// line in the table of routes, unless another is named. What belongs to another project is not there.
import type { Request } from 'express';
import type { Policy, RuleName } from '../policy.js';
import { NotFound, Forbidden } from './faults.js';
import { contextOf, routeOf, stateOf, type Scope } from './request-context.js';

/** Asks the policy about requests. */
export class Permission {
  constructor(private readonly policy: Policy) {}

  /** Whether a rule lets the asker do this to a thing of this project; null: it belongs to none. */
  allows(request: Request, rule: RuleName, projectId: string | null): boolean {
    return this.policy.authorize(contextOf(request), rule, { project_id: projectId });
  }

  /**
   * The things that the request may be about, as its guard has found.
   *
   * @throws Error on a route that strangers may use: a bug of ours
   */
  scope(request: Request): Scope {
    const { scope } = stateOf(request);
    if (scope === undefined) throw new Error('this request was not authorized');
    return scope;
  }

  /**
   * Demands that the asker may do this to one thing.
   *
   * @param seen the rule for looking at the thing
   * @param absent the text of the 404 for a thing that the user may not see
   * @throws NotFound, Forbidden
   */
  demand(request: Request, seen: RuleName, projectId: string | null, absent: string): void {
    const { rule } = routeOf(request);
    if (rule === undefined) throw new Error('this request was not authorized');
    if (!this.allows(request, seen, projectId)) throw new NotFound(absent);
    if (!this.allows(request, rule, projectId))
      throw new Forbidden(`the policy does not allow ${rule} to you`);
  }
}
