// SPDX-License-Identifier: Apache-2.0
// Who may read the audit trail of everything.
import type { RuleDefault } from './rule.js';

/** The rules. */
export const AUDIT_EVENT_RULES = [
  {
    name: 'kerbside:audit_events:list',
    check: 'rule:admin_or_operator or rule:access_operate',
    description: 'List audit events. They name nodes, hypervisors, users and the addresses of clients.',
    operations: [
      { method: 'GET', path: '/v1/audit-events' },
      { method: 'GET', path: '/ui/audit.csv' },
      { method: 'GET', path: '/ui/audit.json' },
    ],
  },
] as const satisfies readonly RuleDefault[];
