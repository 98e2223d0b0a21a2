// SPDX-License-Identifier: Apache-2.0
// Who may see the services of Kerbside itself.
import type { RuleDefault } from './rule.js';

/** The rules. */
export const SERVICE_RULES = [
  {
    name: 'kerbside:services:list',
    check: 'rule:admin_or_operator',
    description: 'List the services of Kerbside: programs, nodes, and whether they are up.',
    operations: [
      { method: 'GET', path: '/v1/services' },
      { method: 'GET', path: '/ui/overview' },
    ],
  },
] as const satisfies readonly RuleDefault[];
