// SPDX-License-Identifier: Apache-2.0
// Who counts as a browser.
import { describe, expect, it } from '@jest/globals';
import { wantsHtml } from '../../../src/api/accept.js';

describe('wantsHtml', () => {
  it.each([
    [undefined, true],
    ['text/html', true],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', true],
    ['*/*', false],
    ['application/json', false],
    ['', false],
  ])('Accept %j: %s', (accept, html) => {
    expect(wantsHtml(accept)).toBe(html);
  });
});
