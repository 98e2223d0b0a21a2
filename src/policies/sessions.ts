// SPDX-License-Identifier: Apache-2.0
// Who may do what with sessions and their connections.
import type { RuleDefault } from './rule.js';

/** The rules. */
export const SESSION_RULES = [
  {
    name: 'kerbside:sessions:list',
    check: 'rule:project_reader_or_admin or rule:access_view',
    description: 'List sessions. Those of other projects are left out for whoever has it in a project only.',
    operations: [
      { method: 'GET', path: '/session' },
      { method: 'GET', path: '/v1/sessions' },
      { method: 'GET', path: '/ui/events' },
    ],
  },
  {
    name: 'kerbside:sessions:show',
    check: 'rule:project_reader_or_admin or rule:access_view',
    description: 'Show a session.',
    operations: [{ method: 'GET', path: '/v1/sessions/{id}' }],
  },
  {
    name: 'kerbside:sessions:terminate',
    check: 'rule:project_member_or_admin or rule:access_operate',
    description: 'End a session.',
    operations: [
      { method: 'POST', path: '/session/{session}/terminate' },
      { method: 'DELETE', path: '/v1/sessions/{id}' },
    ],
  },
  {
    name: 'kerbside:connections:list',
    check: 'rule:project_reader_or_admin or rule:access_operate',
    description: 'List the connections of sessions: channels, clients, bytes.',
    operations: [{ method: 'GET', path: '/v1/connections' }],
  },
] as const satisfies readonly RuleDefault[];
