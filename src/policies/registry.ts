// SPDX-License-Identifier: Apache-2.0
// All rules of the policy, in the order of the sample. A new noun is one line here.
import { AUDIT_EVENT_RULES } from './audit-events.js';
import { BASE_RULES } from './base.js';
import { CONSOLE_RULES } from './consoles.js';
import type { RuleDefault } from './rule.js';
import { SERVICE_RULES } from './services.js';
import { SESSION_RULES } from './sessions.js';
import { SOURCE_RULES } from './sources.js';

const ALL = [
  ...BASE_RULES,
  ...CONSOLE_RULES,
  ...SESSION_RULES,
  ...SOURCE_RULES,
  ...AUDIT_EVENT_RULES,
  ...SERVICE_RULES,
] as const;

/** The name of a rule. */
export type RuleName = (typeof ALL)[number]['name'];

/** The rules with their defaults. */
export const RULES: readonly (RuleDefault & { readonly name: RuleName })[] = ALL;
