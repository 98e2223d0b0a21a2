// SPDX-License-Identifier: Apache-2.0
// Numbers and times as the admin UI writes them.
import { describe, expect, it } from '@jest/globals';
import { ago, bytes, hour, time } from '../../../ui/src/format.js';

describe('bytes', () => {
  it.each([
    [0, 'en', '0 B'],
    [999, 'en', '999 B'],
    [1000, 'en', '1 kB'],
    [1_250_000, 'en', '1.3 MB'],
    [1_250_000, 'de', '1,3 MB'],
    [123_400_000_000, 'en', '123 GB'],
    [5e18, 'en', '5,000 PB'],
  ])('%d in %s', (count, language, text) => {
    expect(bytes(count, language)).toBe(text);
  });
});

describe('times', () => {
  it('are of the zone of the viewer', () => {
    const at = '2026-01-31T23:30:00.000Z';
    expect(time(at, 'de', 'Europe/Berlin')).toBe('01.02.2026, 00:30:00');
    expect(time(at, 'en-GB', 'UTC')).toBe('31 Jan 2026, 23:30:00');
    expect(hour(at, 'de', 'Asia/Kolkata')).toBe('05:00');
  });

  it.each([
    [0, 'now'],
    [59, '59 seconds ago'],
    [61, '1 minute ago'],
    [7200, '2 hours ago'],
    [86_400, 'yesterday'],
  ])('%d seconds ago', (seconds, text) => {
    const now = 1_800_000_000_000;
    expect(ago(new Date(now - seconds * 1000).toISOString(), now, 'en')).toBe(text);
  });
});
