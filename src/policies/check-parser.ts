// SPDX-License-Identifier: Apache-2.0
// The language of oslo.policy (oslo_policy/policy.py, "Policy Rule Expressions"):
//   @ or nothing: everybody   !: nobody   role:<role>   rule:<rule>   <attribute>:<text>   '<literal>':<text>
//   not binds closest, then and, then or; parentheses; %(name)s in a text is an attribute of the target.
// The older form is a list of alternatives, each one check or a list of checks that must all hold.
import type { Check } from './check.js';

/** A check that cannot be read; the message says where and why. */
export class CheckFault extends Error {}

/** The older form: alternatives of checks. */
export type CheckList = readonly (string | readonly string[])[];

/** What credentials have; anything else in front of a colon could never hold. */
export const ATTRIBUTES = ['user_id', 'user_name', 'project_id', 'system_scope', 'via', 'is_admin'] as const;

const MAX_LENGTH = 8192;
const MAX_DEPTH = 50;
const ALLOW: Check = { kind: 'allow' };

/** A parenthesis, a word that may hold quoted parts and %(…)s, or whatever else is there. */
const TOKEN = /[()]|(?:'[^']*'|"[^"]*"|%\([^()\s]*\)s|[^\s()'"])+|\S/g;

/** Reads a check. @throws CheckFault */
export function parseCheck(text: string): Check {
  if (text.length > MAX_LENGTH) throw new CheckFault(`longer than ${MAX_LENGTH} characters`);
  const tokens = text.match(TOKEN) ?? [];
  return tokens.length === 0 ? ALLOW : new Parser(tokens).whole();
}

/** Reads a check in its older form. @throws CheckFault */
export function parseCheckList(list: CheckList): Check {
  if (list.length === 0) return ALLOW;
  const alternatives = list.map((item): Check => {
    const parts = (typeof item === 'string' ? [item] : item).map((part) => readSimple(part.trim()));
    return { kind: 'and', checks: parts };
  });
  return { kind: 'or', checks: alternatives };
}

/** Recursive descent over the tokens of one check. */
class Parser {
  private at = 0;
  private depth = 0;

  constructor(private readonly tokens: readonly string[]) {}

  whole(): Check {
    const check = this.or();
    const rest = this.tokens[this.at];
    if (rest === ')') throw new CheckFault('")" without "("');
    if (rest !== undefined) throw new CheckFault(`"${rest}" needs "and" or "or" in front of it`);
    return check;
  }

  private or(): Check {
    const checks = [this.and()];
    while (this.takes('or')) checks.push(this.and());
    return only(checks) ?? { kind: 'or', checks };
  }

  private and(): Check {
    const checks = [this.not()];
    while (this.takes('and')) checks.push(this.not());
    return only(checks) ?? { kind: 'and', checks };
  }

  private not(): Check {
    this.depth += 1;
    if (this.depth > MAX_DEPTH) throw new CheckFault('nested too deep');
    const check: Check = this.takes('not') ? { kind: 'not', check: this.not() } : this.simple();
    this.depth -= 1;
    return check;
  }

  private simple(): Check {
    const token = this.tokens[this.at];
    const before = this.tokens[this.at - 1];
    if (token === undefined || token === ')' || /^(and|or)$/i.test(token)) {
      throw new CheckFault(
        `a check is missing after ${before === undefined ? 'the beginning' : `"${before}"`}`,
      );
    }
    this.at += 1;
    if (token !== '(') return readSimple(token);
    const inner = this.or();
    if (!this.takes(')')) throw new CheckFault('"(" without ")"');
    return inner;
  }

  private takes(token: string): boolean {
    if (this.tokens[this.at]?.toLowerCase() !== token) return false;
    this.at += 1;
    return true;
  }
}

function only(checks: readonly Check[]): Check | undefined {
  return checks.length === 1 ? checks[0] : undefined;
}

function readSimple(token: string): Check {
  if (token === '@' || token === '') return ALLOW;
  if (token === '!') return { kind: 'deny' };
  const literal = /^(?:'([^']*)'|"([^"]*)"|(True|False|None|\d+)):(.*)$/s.exec(token);
  if (literal !== null) {
    return {
      kind: 'literal',
      literal: literal[1] ?? literal[2] ?? literal[3] ?? '',
      text: checkedText(token, literal[4]),
    };
  }
  const [, kind = '', match] = /^([^:]*):(.*)$/s.exec(token) ?? [];
  const text = checkedText(token, match);
  switch (kind) {
    case 'rule':
      return { kind: 'rule', name: text };
    case 'role':
      return { kind: 'role', role: text };
    case 'http':
    case 'https':
      throw new CheckFault(`"${token}": checks by another server are not supported`);
    default:
      if (!(ATTRIBUTES as readonly string[]).includes(kind)) {
        throw new CheckFault(`"${token}": "${kind}" is not one of role, rule, ${ATTRIBUTES.join(', ')}`);
      }
      return { kind: 'attribute', name: kind, text };
  }
}

function checkedText(token: string, text: string | undefined): string {
  if (text === undefined)
    throw new CheckFault(`"${token}" is not a check; write kind:text, such as role:member`);
  if (text === '') throw new CheckFault(`"${token}" has nothing after its colon`);
  const bare = /^'[^']*'$|^"[^"]*"$/.test(text) ? text.slice(1, -1) : text;
  if (bare.replace(/%\([^()\s]+\)s/g, '').includes('%')) {
    throw new CheckFault(`"${token}": an attribute of the target is written %(name)s`);
  }
  return bare;
}
