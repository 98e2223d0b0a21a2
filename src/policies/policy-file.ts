// SPDX-License-Identifier: Apache-2.0
// policy.yaml: a record of rules, each a check in the language of oslo.policy. All faults are reported together, with its
// file, line and rule. JSON is YAML too, so an old policy.json is read as well.
import { isMap, isScalar, isSeq, LineCounter, parseDocument, type Node } from 'yaml';
import { CheckFault, parseCheck, parseCheckList } from './check-parser.js';
import { referencesOf, type Check } from './check.js';

/** A rule of a file. */
export interface FileRule {
  readonly check: Check;
  /** Where it stands: file and line. */
  readonly place: string;
}

/** What a file says, and what is wrong with it. */
export interface PolicyFile {
  readonly rules: ReadonlyMap<string, FileRule>;
  readonly faults: readonly string[];
}

/** Reads the text of a policy file. @param file its name, for the faults */
export function parsePolicyFile(text: string, file: string): PolicyFile {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    schema: 'failsafe',
    prettyErrors: false,
    uniqueKeys: true,
    lineCounter: lines,
  });
  const place = (offset: number | undefined): string =>
    `${file} line ${Math.max(1, lines.linePos(offset ?? 0).line)}`;
  const [error] = document.errors;
  if (error !== undefined) {
    const what =
      error.code === 'DUPLICATE_KEY'
        ? 'a rule that stands in the file twice'
        : `no valid YAML (${error.code})`;
    return { rules: new Map(), faults: [`${place(error.pos[0])}: ${what}`] };
  }
  const root = document.contents as Node | null;
  if (root === null || (isScalar(root) && root.value === '')) return { rules: new Map(), faults: [] };
  if (!isMap(root)) {
    return {
      rules: new Map(),
      faults: [`${place(root.range?.[0])}: must be a record of rules ("name": "check")`],
    };
  }
  const rules = new Map<string, FileRule>();
  const faults: string[] = [];
  for (const { key, value } of root.items) {
    const name = isScalar(key) ? String(key.value) : '';
    const where = place(isScalar(key) ? key.range?.[0] : undefined);
    try {
      if (name === '') throw new CheckFault('a rule needs a name');
      rules.set(name, { check: readCheck(value as Node | null), place: where });
    } catch (fault) {
      if (!(fault instanceof CheckFault)) throw fault;
      faults.push(`${where}: rule "${name}": ${fault.message}`);
    }
  }
  return { rules, faults };
}

function readCheck(node: Node | null): Check {
  if (isScalar(node)) {
    const text = String(node.value);
    if (text === '' && node.type === 'PLAIN') throw nothing();
    return parseCheck(text);
  }
  if (node === null) throw nothing();
  if (!isSeq(node)) throw new CheckFault('the check is neither a text nor a list');
  return parseCheckList(
    node.items.map((item) => (isSeq(item) ? item.items.map((part) => textOf(part)) : textOf(item))),
  );
}

function nothing(): CheckFault {
  return new CheckFault('there is no check; write "@" for everybody or "!" for nobody');
}

function textOf(node: unknown): string {
  if (!isScalar(node))
    throw new CheckFault('the list holds something that is neither a check nor a list of checks');
  return String(node.value);
}

/**
 * What is wrong with the rules as a whole: names that refer to nothing, and rules that refer to themselves.
 * @param place where a rule comes from, for the faults
 */
export function faultsOfRules(rules: ReadonlyMap<string, Check>, place: (name: string) => string): string[] {
  const dangling = [...rules].flatMap(([name, check]) =>
    [...new Set(referencesOf(check))]
      .filter((reference) => !rules.has(reference))
      .map((reference) => `${place(name)}: rule "${name}": there is no rule "${reference}"`),
  );
  const circular = [...rules.keys()]
    .filter((name) => refersTo(rules, name, name))
    .map((name) => `${place(name)}: rule "${name}": refers to itself`);
  return [...dangling, ...circular];
}

function refersTo(rules: ReadonlyMap<string, Check>, from: string, wanted: string): boolean {
  const seen = new Set<string>();
  const open = [from];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const check = rules.get(name);
    for (const reference of check === undefined ? [] : referencesOf(check)) {
      if (reference === wanted) return true;
      if (!seen.has(reference)) open.push(reference);
      seen.add(reference);
    }
  }
  return false;
}
