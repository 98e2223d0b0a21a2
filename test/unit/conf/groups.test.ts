// SPDX-License-Identifier: Apache-2.0
// Every declaration keeps the rules that the sample, the log and the operator rely on.
import { describe, expect, it } from '@jest/globals';
import { listGroups } from '../../../src/conf/groups.js';
import { holdsReference } from '../../../src/conf/substitution.js';
import { readValue, showValue } from '../../../src/conf/values.js';

const options = listGroups().flatMap(([, group]) =>
  Object.entries(group.options).map(([name, spec]) => ({
    name: `[${group.name}] ${name}`,
    option: name,
    spec,
  })),
);

describe('the declared options', () => {
  it.each(options)('$name has a snake_case name and a sentence of help', ({ option, spec }) => {
    expect(option).toMatch(/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/);
    expect(spec.help).toMatch(/^[A-Z].{20,}\.$/s);
  });

  it.each(options)('$name has a default that it would accept itself', ({ spec }) => {
    // Those that name another option are read at every start, see index.test.ts.
    if (spec.type === 'secret' || (typeof spec.default === 'string' && holdsReference(spec.default))) return;
    expect(readValue(showValue(spec.default, spec), spec)).toEqual(spec.default);
  });

  it('use each older environment name once', () => {
    const names = options.flatMap(({ spec }) =>
      spec.deprecatedEnv === undefined ? [] : [spec.deprecatedEnv.name],
    );
    expect(new Set(names).size).toBe(names.length);
  });
});
