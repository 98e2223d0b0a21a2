// SPDX-License-Identifier: Apache-2.0
// A check of the policy, parsed, and whether it holds for somebody and something. What is not known never holds.

/** A check. */
export type Check =
  | { readonly kind: 'allow' }
  | { readonly kind: 'deny' }
  | { readonly kind: 'and' | 'or'; readonly checks: readonly Check[] }
  | { readonly kind: 'not'; readonly check: Check }
  | { readonly kind: 'rule'; readonly name: string }
  | { readonly kind: 'role'; readonly role: string }
  /** The attribute of the asker equals the text, in which `%(name)s` stands for an attribute of the target. */
  | { readonly kind: 'attribute'; readonly name: string; readonly text: string }
  /** The literal equals the text. */
  | { readonly kind: 'literal'; readonly literal: string; readonly text: string };

/** Who asks: attributes by name. A list holds if one of its items does. */
export type Credentials = Readonly<Record<string, string | readonly string[] | undefined>>;

/** What is asked for: attributes by name. */
export type Target = Readonly<Record<string, string | undefined>>;

/** The rules by name. */
export type Rules = ReadonlyMap<string, Check>;

const PLACE = /%\(([^)]*)\)s/g;

/** Whether the check holds. A rule that does not exist does not hold. */
export function holds(check: Check, credentials: Credentials, target: Target, rules: Rules): boolean {
  switch (check.kind) {
    case 'allow':
      return true;
    case 'deny':
      return false;
    case 'and':
      return check.checks.every((part) => holds(part, credentials, target, rules));
    case 'or':
      return check.checks.some((part) => holds(part, credentials, target, rules));
    case 'not':
      return !holds(check.check, credentials, target, rules);
    case 'rule': {
      const rule = rules.get(check.name);
      return rule !== undefined && holds(rule, credentials, target, rules);
    }
    case 'role': {
      const wanted = filled(check.role, target)?.toLowerCase();
      return wanted !== undefined && matches(credentials['roles'], wanted);
    }
    case 'attribute': {
      const wanted = filled(check.text, target);
      return wanted !== undefined && matches(credentials[check.name], wanted);
    }
    case 'literal':
      return filled(check.text, target) === check.literal;
  }
}

/** The names of the rules that a check refers to. */
export function referencesOf(check: Check): readonly string[] {
  switch (check.kind) {
    case 'rule':
      return [check.name];
    case 'and':
    case 'or':
      return check.checks.flatMap(referencesOf);
    case 'not':
      return referencesOf(check.check);
    case 'allow':
    case 'deny':
    case 'role':
    case 'attribute':
    case 'literal':
      return [];
  }
}

function matches(value: string | readonly string[] | undefined, wanted: string): boolean {
  if (value === undefined) return false;
  return typeof value === 'string' ? value === wanted : value.includes(wanted);
}

/** The text with the target's attributes in it; undefined when the target lacks one. */
function filled(text: string, target: Target): string | undefined {
  const names = [...text.matchAll(PLACE)].map(([, name = '']) => name);
  if (names.some((name) => valueOf(target, name) === undefined)) return undefined;
  return text.replace(PLACE, (_match, name: string) => valueOf(target, name) ?? '');
}

function valueOf(target: Target, name: string): string | undefined {
  return Object.hasOwn(target, name) ? target[name] : undefined;
}
