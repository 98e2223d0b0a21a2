// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from '@jest/globals';
import { isLan, LINKS, readLink } from '../../../bench/slow-link/link-profile.js';

describe('a link', () => {
  test('has the queue of one bandwidth-delay product', () => {
    expect(readLink('80:10')).toEqual({
      name: '80:10',
      roundTripMs: 80,
      mbit: 10,
      otherMbit: null,
      lostOfMillion: 0,
      queueBytes: 100_000,
    });
  });

  test('has room for twenty packets however slow it is', () => {
    expect(readLink('80:2').queueBytes).toBe(30_000);
  });

  test('loses one packet of two hundred where that is asked for', () => {
    expect(readLink('20:50+loss').lostOfMillion).toBe(5000);
  });

  test('that changes keeps the queue of its first rate', () => {
    const { mbit, otherMbit, queueBytes } = readLink('80:50~5');
    expect([mbit, otherMbit, queueBytes]).toEqual([50, 5, 500_000]);
  });

  test('may be a local network', () => {
    expect(isLan(readLink('lan+loss'))).toBe(true);
    expect(isLan(readLink('20:50'))).toBe(false);
  });

  test.each(['', '80', '80:', '80:x', '-1:10', '80:10+', 'lan~5', '80:10~5+loss+loss', 'wan'])(
    'is refused when it is written "%s"',
    (name) => {
      expect(() => readLink(name)).toThrow('is no link');
    },
  );

  test.each(['80:0', '3000:10', '80:5000'])('is refused when it is "%s"', (name) => {
    expect(() => readLink(name)).toThrow('at most 2000 ms');
  });

  test('of the full run can be read, each', () => {
    expect(LINKS.map((name) => readLink(name).name)).toEqual(LINKS);
  });
});
