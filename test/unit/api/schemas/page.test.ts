// SPDX-License-Identifier: Apache-2.0
// Paging: the page asked for and the link to the next one.
import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { nextLink, pageRequest } from '../../../../src/api/schemas/page.js';

describe('pageRequest', () => {
  it('is the largest page when no limit is given', () => {
    expect(pageRequest({}, 1000)).toEqual({ limit: 1000, marker: undefined });
  });

  it('is never larger than the largest page', () => {
    expect(pageRequest({ limit: 5, marker: 'm' }, 1000)).toEqual({ limit: 5, marker: 'm' });
    expect(pageRequest({ limit: 5000 }, 1000)).toEqual({ limit: 1000, marker: undefined });
  });
});

describe('nextLink', () => {
  it('keeps the limit of the client and encodes the marker', () => {
    expect(nextLink('/console', { limit: 2 }, 'lab/a&b>')).toBe(
      '</console?limit=2&marker=lab%2Fa%26b%3E>; rel="next"',
    );
    expect(nextLink('/source', {}, 'lab')).toBe('</source?marker=lab>; rel="next"');
  });
});
