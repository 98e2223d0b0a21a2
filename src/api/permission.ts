// SPDX-License-Identifier: Apache-2.0
// The policy as controllers ask it: about the things of a listing, and about one thing. The rule is that of the request's
// line in the table of routes, unless another is named. What belongs to another project, or to a console that a list of access
// keeps from the user, is not there.
import type { Request } from 'express';
import { principalsOf } from '../objects/access-list.js';
import type { AccessStanding, Policy, PolicyTarget, RuleName } from '../policy.js';
import { NotFound, Forbidden } from './faults.js';
import { contextOf, routeOf, stateOf, type Scope } from './request-context.js';
import { scopeOf } from './scope.js';

/** Whose a thing is: the project and the list of access of its console. */
export interface Owner {
  readonly projectId: string | null;
  /** null: no list holds. */
  readonly accessId: string | null;
}

/** Of a thing whose console is gone: what held for it, nobody knows. */
export const NOBODYS: Owner = { projectId: null, accessId: 'gone' };

const NOTHING: Scope = { sight: { unlisted: false, accessIds: [] } };

/** Asks the policy about requests. */
export class Permission {
  private refused: (request: Request) => void = () => undefined;

  constructor(private readonly policy: Policy) {}

  /** From now on it is told of each request that {@link demand} refuses. */
  onRefused(listener: (request: Request) => void): void {
    this.refused = listener;
  }

  /** Whether a rule lets the asker do this to a thing with this owner; null: it is the site's. */
  allows(request: Request, rule: RuleName, owner: Owner | null): boolean {
    return this.policy.authorize(contextOf(request), rule, targetOf(request, owner));
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

  /** The things that another rule lets the asker see. */
  scopeBy(request: Request, rule: RuleName): Scope {
    const { listed } = stateOf(request);
    return scopeOf(this.policy, { rule }, contextOf(request), listed?.grants) ?? NOTHING;
  }

  /** Whether the request may be about everything, also about what nobody owns any more. */
  sees(request: Request, scope: Scope = this.scope(request)): 'everything' | 'some' {
    return scope.projectId === undefined && scope.sight === undefined ? 'everything' : 'some';
  }

  /**
   * Demands that the asker may do this to one thing.
   *
   * @param seen the rule for looking at the thing
   * @param absent the text of the 404 for a thing that the user may not see
   * @throws NotFound, Forbidden
   */
  demand(request: Request, seen: RuleName, owner: Owner, absent: string): void {
    const { rule } = routeOf(request);
    if (rule === undefined) throw new Error('this request was not authorized');
    const sees = this.allows(request, seen, owner);
    if (sees && this.allows(request, rule, owner)) return;
    this.refused(request);
    throw sees ? new Forbidden(`the policy does not allow ${rule} to you`) : new NotFound(absent);
  }

  /** What a list of access gives the asker. */
  standing(request: Request, accessId: string | null): AccessStanding {
    return standingOf(request, accessId);
  }

  /**
   * The names by which lists of access know the asker, where what the request may do depends on such a list, or would if there were
   * one; undefined for those whom no list can stop.
   */
  principals(request: Request, { projectId }: Owner): readonly string[] | undefined {
    const { rule } = routeOf(request);
    const context = contextOf(request);
    const target = { project_id: projectId, access_role: 'none' } as const;
    if (rule === undefined || this.policy.authorize(context, rule, target)) return undefined;
    return stateOf(request).listed?.principals ?? principalsOf({ ...context, user: context.listedAs });
  }
}

/** The owner that a row names. */
export function ownerOf(row: {
  readonly project_id: string | null;
  readonly access_id: string | null;
}): Owner {
  return { projectId: row.project_id, accessId: row.access_id };
}

function targetOf(request: Request, owner: Owner | null): PolicyTarget {
  if (owner === null) return { project_id: null };
  return { project_id: owner.projectId, access_role: standingOf(request, owner.accessId) };
}

function standingOf(request: Request, accessId: string | null): AccessStanding {
  const { listed } = stateOf(request);
  // While no list holds for anything, what is left of consoles that are gone is as it was.
  if (accessId === null || (accessId === NOBODYS.accessId && listed === undefined)) return 'default';
  return listed?.grants.get(accessId) ?? 'none';
}
