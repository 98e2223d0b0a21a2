// SPDX-License-Identifier: Apache-2.0
// Writes policy.yaml.sample from the rules, in the layout of oslopolicy-sample-generator: every rule commented out
// with its default, under its description and the requests that it guards.
import { wrapComment } from '../conf/comment.js';
import { RULES } from './registry.js';
import type { RuleDefault } from './rule.js';

const INTRODUCTION = [
  'The policy of Kerbside, in the language of oslo.policy. Every rule stands here with its default; remove the "#" ' +
    'to change one. What is not in the file keeps its default, and a changed file is taken up within a second.',
  'A check is role:<role>, rule:<rule>, user_id:, user_name:, project_id:, system_scope:, via: or is_admin: with a ' +
    'text, @ (everybody), ! (nobody), joined by not, and, or and parentheses. %(project_id)s is the project that ' +
    'the console belongs to; a console of a source without projects has none, and no such check holds for it. ' +
    'via is "keystone" for a token of Keystone and "jwt" for a login to Kerbside itself.',
  'Whoever may not see a console is told that there is none (404).',
];

function renderRule(rule: RuleDefault): string[] {
  return [
    ...wrapComment(rule.description),
    ...rule.operations.map(({ method, path }) => `# ${method}  ${path}`),
    `#"${rule.name}": "${rule.check}"`,
    '',
  ];
}

/** The text of etc/kerbside/policy.yaml.sample. */
export function renderPolicySample(): string {
  const introduction = INTRODUCTION.flatMap((paragraph) => [...wrapComment(paragraph), '#']).slice(0, -1);
  return `${[...introduction, '', ...RULES.flatMap(renderRule)].join('\n').trimEnd()}\n`;
}
