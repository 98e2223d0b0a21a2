// SPDX-License-Identifier: Apache-2.0
// Who may see where the consoles come from.
import type { RuleDefault } from './rule.js';

/** The rules. */
export const SOURCE_RULES = [
  {
    name: 'kerbside:sources:list',
    check: 'rule:admin_or_operator',
    description: 'List sources. A source has no project; its description names URLs and service users.',
    operations: [
      { method: 'GET', path: '/source' },
      { method: 'GET', path: '/v1/sources' },
    ],
  },
  {
    name: 'kerbside:sources:show',
    check: 'rule:admin_or_operator',
    description: 'Show a source.',
    operations: [
      { method: 'GET', path: '/source/{name}' },
      { method: 'GET', path: '/v1/sources/{name}' },
    ],
  },
] as const satisfies readonly RuleDefault[];
