// SPDX-License-Identifier: Apache-2.0
import { expect, it } from '@jest/globals';
import { DedupCache } from '../../../src/messaging/dedup-cache.js';

it('remembers the last names, and a name that comes again for longer', () => {
  const recent = new DedupCache(2);
  recent.add('a');
  recent.add('b');
  recent.add('a');
  recent.add('c');
  expect(['a', 'b', 'c'].map((id) => recent.has(id))).toEqual([true, false, true]);
});
