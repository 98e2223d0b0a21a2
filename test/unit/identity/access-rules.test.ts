// SPDX-License-Identifier: Apache-2.0
// Access rules of application credentials: which request fits which rule.
import { describe, expect, it } from '@jest/globals';
import { allowsRequest } from '../../../src/identity/access-rules.js';

function allowed(template: string, path: string): boolean {
  return allowsRequest([{ service: 'console', method: 'GET', path: template }], 'console', {
    method: 'GET',
    path,
  });
}

describe('allowsRequest', () => {
  it.each<[string, string, boolean]>([
    ['/console', '/console', true],
    ['/console', '/console/', false],
    ['/console', '/Console', false],
    ['/console/*', '/console/a', true],
    ['/console/*', '/console/', false],
    ['/console/*', '/console/a/b', false],
    ['/console/*/audit', '/console/a/audit', true],
    ['/console/{source}/{uuid}', '/console/a/b', true],
    ['/console/{source}/{uuid}', '/console/a', false],
    ['/console/a*c', '/console/abc', true],
    ['/console/a*c*e', '/console/abcde', true],
    ['/console/a*c*e', '/console/abde', false],
    ['/console/ab*ba', '/console/aba', false],
    ['/**', '/anything/at/all', true],
    ['/console/**', '/console/a/b/c', true],
    ['/console/**', '/session/a', false],
    ['/**/audit', '/console/a/b/audit', true],
    ['/**/audit', '/console/a/b', false],
    ['**', '/console', true],
    ['', '/console', false],
  ])('%s for %s: %s', (template, path, expected) => {
    expect(allowed(template, path)).toBe(expected);
  });

  it('takes no time for a template made of stars', () => {
    const started = performance.now();
    expect(allowed('/**'.repeat(200) + '/x', '/a'.repeat(500))).toBe(false);
    expect(performance.now() - started).toBeLessThan(200);
  });

  it('compares service and method, and knows none for an empty type', () => {
    const rules = [{ service: 'console', method: 'post', path: '/a' }];
    expect(allowsRequest(rules, 'console', { method: 'POST', path: '/a' })).toBe(true);
    expect(allowsRequest(rules, 'console', { method: 'GET', path: '/a' })).toBe(false);
    expect(allowsRequest(rules, 'compute', { method: 'POST', path: '/a' })).toBe(false);
    expect(
      allowsRequest([{ service: '', method: 'GET', path: '/a' }], '', { method: 'GET', path: '/a' }),
    ).toBe(false);
    expect(allowsRequest([], 'console', { method: 'GET', path: '/a' })).toBe(false);
  });
});
