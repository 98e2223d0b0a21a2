// SPDX-License-Identifier: Apache-2.0
// The sample file in the repository is the one that the declarations give.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { listGroups } from '../../../src/conf/groups.js';
import { parseIni } from '../../../src/conf/parser.js';
import { renderSample } from '../../../src/conf/sample.js';

describe('renderSample', () => {
  const sample = renderSample();

  it('is etc/kerbside/kerbside.conf.sample; after a change run ./tox-style-scripts/genconfig', () => {
    expect(readFileSync('etc/kerbside/kerbside.conf.sample', 'utf8')).toBe(sample);
  });

  it('changes nothing when it is used as it is', () => {
    expect(parseIni(sample, 'sample')).toEqual([]);
  });

  it('shows every option once, commented out', () => {
    for (const [, group] of listGroups()) {
      const [, rest = ''] = sample.split(`\n[${group.name}]\n`);
      const [section = ''] = rest.split(/\n\[/);
      const shown = [...section.matchAll(/^#([a-z0-9_]+) =/gm)].map((match) => match[1]);
      expect(shown).toEqual(Object.keys(group.options));
    }
  });

  it('names the older environment name, its unit, and the bounds', () => {
    const [, rest = ''] = sample.split('# How long a console token may start');
    const [option] = rest.split('#token_ttl = 600');
    expect(option).toContain('# Minimum value: 1\n# Maximum value: 86400\n');
    expect(option?.replaceAll('\n#', '')).toContain(
      'Deprecated environment name: KERBSIDE_CONSOLE_TOKEN_DURATION (in whole minutes)',
    );
  });

  it('says what a worked-out default will be instead of the value of this machine', () => {
    expect(sample).toContain('#node_name = <host name>\n');
    expect(sample).toContain('#connection = sqlite:///$state_path/kerbside.sqlite\n');
  });

  it('keeps help within 79 columns', () => {
    const long = sample
      .split('\n')
      .filter((line) => line.startsWith('# ') && line.length > 79 && line.includes(' ', 2));
    expect(long).toEqual([]);
  });
});
