// SPDX-License-Identifier: Apache-2.0
// The page of options in the documentation is the one that the declarations give.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { listGroups } from '../../../src/conf/groups.js';
import { renderReference } from '../../../src/conf/reference.js';

describe('renderReference', () => {
  const page = renderReference();

  it('is doc/source/reference/options.rst; after a change run ./tox-style-scripts/genconfig', () => {
    expect(readFileSync('doc/source/reference/options.rst', 'utf8')).toBe(page);
  });

  it('shows every option once, in the order of the sample', () => {
    const shown = [...page.matchAll(/^\.\. confval:: (.+)$/gm)].map((match) => match[1]);
    const declared = listGroups().flatMap(([, group]) =>
      Object.keys(group.options).map((option) => `[${group.name}] ${option}`),
    );
    expect(shown).toEqual(declared);
  });

  it('tells kind, unit, default, bounds and both environment names', () => {
    const [, rest = ''] = page.split('.. confval:: [console] token_ttl\n');
    const [option] = rest.split('.. confval::');
    for (const line of [
      '   :Type: integer, in seconds',
      '   :Default: ``600``',
      '   :Range: 1 to 86400',
      '   :Environment: ``OS_CONSOLE__TOKEN_TTL``',
      '   :Older name: ``KERBSIDE_CONSOLE_TOKEN_DURATION`` (in whole minutes)',
    ])
      expect(option?.split('\n')).toContain(line);
  });

  it('shows no default of a secret, and none of this machine', () => {
    expect(page).toMatch(
      /confval:: \[api\] auth_secret_seed\n\n {3}:Type: secret string\n {3}:Default: empty\n/,
    );
    expect(page).toMatch(/confval:: \[DEFAULT\] node_name\n\n {3}:Type: string\n {3}:Default: <host name>\n/);
  });

  it('keeps what reStructuredText would take for markup', () => {
    expect(page).toContain('\\*.yaml and \\*.json files');
  });
});
