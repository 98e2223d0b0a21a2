// SPDX-License-Identifier: Apache-2.0
// doc/source/admin/firewall.rst explains every rule, and no other one.
import { readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import { RULE } from '../../../../src/console/firewall/rules.js';

it('every rule is explained', () => {
  const page = readFileSync('doc/source/admin/firewall.rst', 'utf8');
  const explained = [...page.matchAll(/^``(\w+)`` {2,}/gm)].map(([, rule]) => rule);
  expect(explained.sort()).toEqual(Object.values(RULE).sort());
});
