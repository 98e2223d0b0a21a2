// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { referenceFinding } from '../../../../src/cmd/status/checks.js';

describe('dollar signs in the configuration before an upgrade', () => {
  it('are nothing to say when there are none', () => {
    expect(referenceFinding([])).toEqual({ outcome: 'Success', details: '' });
  });

  it('are shown where they refer to options, and are a warning in passwords', () => {
    const path = { where: 'k.conf line 2 ([spice] cert_path)', confidential: false };
    const password = { where: 'OS_KEYSTONE_AUTHTOKEN__PASSWORD', confidential: true };
    expect(referenceFinding([path])).toEqual({
      outcome: 'Success',
      details: '$ refers to other options in k.conf line 2 ([spice] cert_path)',
    });
    expect(referenceFinding([path, password])).toEqual({
      outcome: 'Warning',
      details:
        'make sure that each $ of a password is written $$ in OS_KEYSTONE_AUTHTOKEN__PASSWORD; ' +
        '$ refers to other options in k.conf line 2 ([spice] cert_path)',
    });
  });
});
