// SPDX-License-Identifier: Apache-2.0
// policy.yaml: what is read, and every fault with its line and its rule.
import { describe, expect, it } from '@jest/globals';
import { parseCheck } from '../../../src/policies/check-parser.js';
import { faultsOfRules, parsePolicyFile } from '../../../src/policies/policy-file.js';

describe('parsePolicyFile', () => {
  it('reads texts, lists and JSON', () => {
    const { rules, faults } = parsePolicyFile(
      '# comment\n"a": "role:x"\nb: [["role:x", "role:y"], "rule:a"]\nc: ""\n',
      'policy.yaml',
    );
    expect(faults).toEqual([]);
    expect([...rules.keys()]).toEqual(['a', 'b', 'c']);
    expect(rules.get('c')?.check).toEqual({ kind: 'allow' });
    expect(parsePolicyFile('{"a": "role:x"}', 'policy.json').rules.get('a')).toEqual({
      check: { kind: 'role', role: 'x' },
      place: 'policy.json line 1',
    });
  });

  it.each(['', '# nothing\n', '{}'])('takes %j for no rules', (text) => {
    expect(parsePolicyFile(text, 'f')).toEqual({ rules: new Map(), faults: [] });
  });

  it.each([
    ['- a\n- b\n', 'f line 1: must be a record of rules ("name": "check")'],
    ['a: "role:x"\nb: "role:"\n', 'f line 2: rule "b": "role:" has nothing after its colon'],
    ['a:\n', 'f line 1: rule "a": there is no check; write "@" for everybody or "!" for nobody'],
    ['a: {b: c}\n', 'f line 1: rule "a": the check is neither a text nor a list'],
    [
      'a: [{b: c}]\n',
      'f line 1: rule "a": the list holds something that is neither a check nor a list of checks',
    ],
    ['a: "role:x"\na: "role:y"\n', 'f line 2: a rule that stands in the file twice'],
    ['a: "role:x\n', 'f line 2: no valid YAML (MISSING_CHAR)'],
    ['"": "role:x"\n', 'f line 1: rule "": a rule needs a name'],
  ])('says of %j what is wrong', (text, fault) => {
    expect(parsePolicyFile(text, 'f').faults).toEqual([fault]);
  });

  it('tells all faults at once', () => {
    expect(parsePolicyFile('a: "x"\nb: "role:ok"\nc: "("\n', 'f').faults).toHaveLength(2);
  });
});

describe('faultsOfRules', () => {
  const faults = (rules: Record<string, string>): string[] =>
    faultsOfRules(
      new Map(Object.entries(rules).map(([name, check]) => [name, parseCheck(check)])),
      (name) => `file of ${name}`,
    );

  it('finds references to nothing, once each', () => {
    expect(faults({ a: 'rule:b or rule:b', c: 'rule:a' })).toEqual([
      'file of a: rule "a": there is no rule "b"',
    ]);
  });

  it('finds circles of any length, and takes no diamond for one', () => {
    expect(faults({ a: 'rule:a' })).toEqual(['file of a: rule "a": refers to itself']);
    expect(faults({ a: 'rule:b', b: 'not rule:c', c: 'rule:a or @' })).toHaveLength(3);
    expect(faults({ a: 'rule:b and rule:c', b: 'rule:d', c: 'rule:d', d: '@' })).toEqual([]);
  });
});
