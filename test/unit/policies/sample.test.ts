// SPDX-License-Identifier: Apache-2.0
// The sample policy in the repository is the one that the rules give, and it says what they say.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { parsePolicyFile } from '../../../src/policies/policy-file.js';
import { RULES } from '../../../src/policies/registry.js';
import { renderPolicySample } from '../../../src/policies/sample.js';

describe('renderPolicySample', () => {
  const sample = renderPolicySample();

  it('is etc/kerbside/policy.yaml.sample; after a change run ./tox-style-scripts/genpolicy', () => {
    expect(readFileSync('etc/kerbside/policy.yaml.sample', 'utf8')).toBe(sample);
  });

  it('changes nothing when it is used as it is', () => {
    expect(parsePolicyFile(sample, 'sample')).toEqual({ rules: new Map(), faults: [] });
  });

  it('is a policy without faults, with every rule, when its rules are uncommented', () => {
    const { rules, faults } = parsePolicyFile(sample.replace(/^#"/gm, '"'), 'sample');
    expect(faults).toEqual([]);
    expect([...rules.keys()]).toEqual(RULES.map(({ name }) => name));
  });
});

describe('the rules', () => {
  it.each(RULES.map((rule) => [rule.name, rule] as const))('%s has a sentence about it', (_name, rule) => {
    expect(rule.description).toMatch(/^[A-Z].{10,}\.$/s);
    expect(rule.name.includes(':')).toBe(rule.operations.length > 0);
  });

  it('have names of their own', () => {
    expect(new Set(RULES.map(({ name }) => name)).size).toBe(RULES.length);
  });
});
