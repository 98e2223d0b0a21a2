// SPDX-License-Identifier: Apache-2.0
// The rules that other rules refer to: who is who.
import type { RuleDefault } from './rule.js';

/** The rules. */
export const BASE_RULES = [
  {
    name: 'context_is_admin',
    check: 'role:admin',
    description:
      'An administrator: the role admin of Keystone, or a member of the admin group who logged in to Kerbside itself.',
    operations: [],
  },
  {
    name: 'operator',
    check: "via:jwt and 'default':%(access_role)s",
    description:
      'Somebody who logged in to Kerbside itself (POST /auth: the access group, or a local user). Such a login has ' +
      'no project; it sees all of them, but for consoles with a list of access (access in sources.yaml): for those ' +
      'access_role says what the list gives the user, none, view, open or operate. It is default where there is no list.',
    operations: [],
  },
  {
    name: 'admin_or_operator',
    check: 'rule:context_is_admin or rule:operator',
    description: 'Those who see all projects.',
    operations: [],
  },
  {
    name: 'access_operate',
    check: "'operate':%(access_role)s",
    description: 'Somebody whom the list of access of a console lets operate it.',
    operations: [],
  },
  {
    name: 'access_open',
    check: "'open':%(access_role)s or rule:access_operate",
    description: 'Somebody whom the list of access of a console lets open it.',
    operations: [],
  },
  {
    name: 'access_view',
    check: "'view':%(access_role)s or rule:access_open",
    description: 'Somebody whom the list of access of a console lets see it.',
    operations: [],
  },
  {
    name: 'project_reader',
    check: 'role:reader and project_id:%(project_id)s',
    description: 'Somebody who may look at what belongs to the project.',
    operations: [],
  },
  {
    name: 'project_member',
    check: 'role:member and project_id:%(project_id)s',
    description: 'Somebody who may use what belongs to the project.',
    operations: [],
  },
  {
    name: 'project_reader_or_admin',
    check: 'rule:project_reader or rule:project_member or rule:admin_or_operator',
    description: 'The default of whatever only looks.',
    operations: [],
  },
  {
    name: 'project_member_or_admin',
    check: 'rule:project_member or rule:admin_or_operator',
    description: 'The default of whatever opens or ends a console.',
    operations: [],
  },
] as const satisfies readonly RuleDefault[];
