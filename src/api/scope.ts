// SPDX-License-Identifier: Apache-2.0
// What a rule of the policy lets somebody see, as far as it goes by projects and by lists of access. Pure: the policy is asked
// about one thing of each kind.
import type { RequestContext } from '../context.js';
import type { Grants } from '../objects/access.js';
import { ACCESS_ROLES } from '../objects/access-list.js';
import type { Policy } from '../policy.js';
import type { Route } from './route.js';
import type { Scope } from './request-context.js';

/**
 * What a route's rule lets somebody do: everything, what belongs to their project, what lists of access let them see, or (null)
 * nothing.
 *
 * @param grants what the lists say to them; undefined: no list holds for anything
 */
export function scopeOf(
  policy: Policy,
  { rule }: Pick<Route, 'rule'>,
  context: RequestContext,
  grants?: Grants,
): Scope | null {
  if (rule === undefined) return {};
  const may = (target: Parameters<Policy['authorize']>[2]): boolean =>
    policy.authorize(context, rule, target);
  const unlisted = may({ project_id: null });
  if (unlisted && (grants === undefined || may({ project_id: null, access_role: 'none' }))) return {};
  const { projectId } = context;
  const own =
    projectId !== undefined &&
    may({ project_id: projectId, ...(grants === undefined ? {} : { access_role: 'none' as const }) });
  const roles = ACCESS_ROLES.filter((role) => may({ project_id: null, access_role: role }));
  // Somebody whom lists know, and a rule that lists may satisfy: what is not listed for them is not there, not forbidden.
  const known = grants !== undefined && grants.size > 0 && roles.length > 0;
  if (!unlisted && !known) return own ? { projectId } : null;
  const accessIds = [...(grants ?? [])].flatMap(([id, role]) => (roles.includes(role) ? [id] : []));
  return { sight: { unlisted, accessIds, ...(own ? { projectId } : {}) } };
}

/** Whether lists of access may have a say: not for those who see everything whatever they say. */
export function dependsOnLists(
  policy: Policy,
  { rule }: Pick<Route, 'rule'>,
  context: RequestContext,
): boolean {
  return rule !== undefined && !policy.authorize(context, rule, { project_id: null, access_role: 'none' });
}
