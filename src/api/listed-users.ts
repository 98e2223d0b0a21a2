// SPDX-License-Identifier: Apache-2.0
// What lists of access say to somebody who asks. Sites without lists pay one look at the end of an index; Keystone is asked for
// groups only where a list names one.
import type { RequestContext } from '../context.js';
import type { AccessLists } from '../objects/access.js';
import { principalsOf } from '../objects/access-list.js';
import type { UserGroups } from '../identity/keystone-groups.js';
import type { Listed } from './request-context.js';

/** Looks users up in the lists. */
export class ListedUsers {
  /** @param groups undefined without a Keystone */
  constructor(
    private readonly lists: AccessLists,
    private readonly groups: Pick<UserGroups, 'of'> | undefined,
  ) {}

  /** What the lists say; undefined: none holds for anything. */
  async of(context: RequestContext): Promise<Listed | undefined> {
    if (!(await this.lists.areUsed())) return undefined;
    const groups = [...(context.groups ?? []), ...(await this.groupsOf(context))];
    const principals = principalsOf({ ...context, user: context.listedAs, groups });
    return { principals, grants: await this.lists.grantsTo(principals) };
  }

  private async groupsOf({ via, userId }: RequestContext): Promise<readonly string[]> {
    if (via !== 'keystone' || userId === undefined || this.groups === undefined) return [];
    return (await this.lists.nameGroups()) ? this.groups.of(userId) : [];
  }
}
