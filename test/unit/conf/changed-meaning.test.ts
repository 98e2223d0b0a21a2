// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { changedMeanings } from '../../../src/conf/changed-meaning.js';

const folder = mkdtempSync(join(tmpdir(), 'kerbside-meaning-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('changedMeanings', () => {
  it('finds what had another meaning while values were literal, and never the value', () => {
    const file = join(folder, 'kerbside.conf');
    writeFileSync(
      file,
      '[spice]\ncert_path = $state_path/proxy.pem\nhost_subject = CN=5$\n' +
        '[keystone_authtoken]\npassword = hunter$$2\n[nova]\nunknown = $x\n',
    );
    const env = { OS_DATABASE__CONNECTION: 'mysql://u:$p@h/d', KERBSIDE_NODE_NAME: '$x', OS_API__PORT: '1' };
    expect(changedMeanings({ configFiles: [file], configDirs: [] }, env)).toEqual([
      { where: 'OS_DATABASE__CONNECTION', confidential: true },
      { where: `${file} line 2 ([spice] cert_path)`, confidential: false },
      { where: `${file} line 5 ([keystone_authtoken] password)`, confidential: true },
    ]);
  });
});
