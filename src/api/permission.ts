// SPDX-License-Identifier: Apache-2.0
// The policy as controllers ask it: about the things of a listing, and about one thing. What belongs to another
// project is not there.
import type { Request } from 'express';
import type { Policy, RuleName } from '../policy.js';
import { Absent, Forbidden } from './faults.js';
import { contextOf } from './request-context.js';

/** What a listing may show: everything, or what belongs to one project. */
export interface Scope {
  readonly projectId?: string;
}

/** Asks the policy about requests. */
export class Permission {
  constructor(private readonly policy: Policy) {}

  /** Whether the rule lets the asker do this to a thing of this project; null: it belongs to none. */
  allows(request: Request, rule: RuleName, projectId: string | null): boolean {
    return this.policy.authorize(contextOf(request), rule, { project_id: projectId });
  }

  /** The things that a listing may show. @throws Forbidden when it may show none */
  scope(request: Request, rule: RuleName): Scope {
    if (this.allows(request, rule, null)) return {};
    const { projectId } = contextOf(request);
    if (projectId !== undefined && this.allows(request, rule, projectId)) return { projectId };
    throw new Forbidden(refusalOf(rule));
  }

  /**
   * Demands that the asker may do this to one thing.
   * @param seen the rule for looking at the thing
   * @param absent what is said of a thing that the asker may not even look at
   * @throws Absent, Forbidden
   */
  demand(request: Request, rule: RuleName, seen: RuleName, projectId: string | null, absent: string): void {
    if (!this.allows(request, seen, projectId)) throw new Absent(absent);
    if (!this.allows(request, rule, projectId)) throw new Forbidden(refusalOf(rule));
  }
}

function refusalOf(rule: RuleName): string {
  return `the policy does not allow ${rule} to you`;
}
