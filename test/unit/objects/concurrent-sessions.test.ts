// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import {
  concurrencyFor,
  CONCURRENT_SESSIONS_SETTINGS,
  concurrentSessionsOf,
  isReplaced,
  replacedBy,
  replacesUnder,
} from '../../../src/objects/concurrent-sessions.js';

describe('the setting of concurrent sessions', () => {
  it('is one of four words, or none', () => {
    expect(CONCURRENT_SESSIONS_SETTINGS.map(concurrentSessionsOf)).toEqual([...CONCURRENT_SESSIONS_SETTINGS]);
    expect([null, '', 'sometimes'].map(concurrentSessionsOf)).toEqual([null, null, null]);
  });

  it.each([
    ['auto', 'refuse', 'replace'],
    ['refuse', 'refuse', 'replace'],
    ['replace', 'replace', 'replace'],
    ['share', 'share', 'share'],
  ] as const)('%s is %s, and %s for those who replace', (setting, without, replacing) => {
    expect([concurrencyFor(setting, false), concurrencyFor(setting, true)]).toEqual([without, replacing]);
  });

  it('lets administrators replace where it is auto, and everywhere those who ask for it', () => {
    const under = (replacing: Parameters<typeof replacesUnder>[1]): boolean[] =>
      CONCURRENT_SESSIONS_SETTINGS.map((setting) => replacesUnder(setting, replacing));
    expect(under('never')).toEqual([false, false, false, false]);
    expect(under('where_auto')).toEqual([true, false, false, false]);
    expect(under('always')).toEqual([true, true, true, true]);
  });
});

describe('the reason of a session that gave way', () => {
  it('names the other user, within what a row holds', () => {
    expect(replacedBy('bob')).toBe('replaced by bob');
    expect(replacedBy('b'.repeat(300))).toHaveLength(255);
  });

  it('is told from others', () => {
    const reasons = [replacedBy('bob'), 'session terminated by request', 'replaced', null];
    expect(reasons.map(isReplaced)).toEqual([true, false, false, false]);
  });
});
