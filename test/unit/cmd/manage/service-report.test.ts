// SPDX-License-Identifier: Apache-2.0
// The cells of `service list`.
import { describe, expect, it } from '@jest/globals';
import { ageInWords, reportInWords } from '../../../../src/cmd/manage/service-report.js';

describe('ageInWords', () => {
  it.each([
    [-3, '0 s ago'],
    [0.9, '0 s ago'],
    [59.9, '59 s ago'],
    [60, '1 min ago'],
    [3599, '59 min ago'],
    [3600, '1 h ago'],
    [86_399, '23 h ago'],
    [200_000, '2 d ago'],
  ])('%d seconds are %j', (seconds, words) => {
    expect(ageInWords(seconds)).toBe(words);
  });
});

describe('reportInWords', () => {
  it('tells numbers, lists, marks and states by their names, and no counters of them', () => {
    const report = {
      messaging: { state: 'connected', fault: null, fanout: { sent: 3 } },
      ...{ channels: 3, sessions: 0, draining: true, tasks: ['reaping', 'sources'], open_files: 7 },
    };
    expect(reportInWords(report)).toBe(
      'messaging connected; channels 3; sessions 0; draining; tasks reaping, sources; open files 7',
    );
  });

  it('tells why something is disconnected', () => {
    expect(reportInWords({ messaging: { state: 'disconnected', fault: 'no answer' } })).toBe(
      'messaging disconnected (no answer)',
    );
  });

  it('leaves out what has nothing to tell', () => {
    const nothing = { draining: false, tasks: [], note: '', gone: null, odd: { a: 1 } };
    expect([reportInWords(nothing), reportInWords({})]).toEqual(['', '']);
  });
});
