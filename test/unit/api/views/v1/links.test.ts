// SPDX-License-Identifier: Apache-2.0
// Links and names of /v1.
import { describe, expect, it } from '@jest/globals';
import { consoleId } from '../../../../../src/api/views/v1/console.js';
import { isoTime } from '../../../../../src/api/views/v1/time.js';

describe('links of /v1', () => {
  it('can name every source', () => {
    expect(consoleId({ source: 'Region/One ü', uuid: 'u-1' })).toBe('Region%2FOne%20%C3%BC/u-1');
  });
});

describe('isoTime', () => {
  it('tells UTC, and nothing for nothing', () => {
    expect(isoTime(1763640000.5)).toBe('2025-11-20T12:00:00.500Z');
    expect(isoTime(null)).toBeNull();
  });
});
