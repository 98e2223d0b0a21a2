// SPDX-License-Identifier: Apache-2.0
// The table of routes and the matching of requests against it.
import { describe, expect, it } from '@jest/globals';
import { matchRoute, ROUTES } from '../../../src/api/routes.js';
import { RULES } from '../../../src/policies/registry.js';

const lines = ROUTES.map((route) => ({ ...route, line: `${route.method} ${route.path}` }));

describe('the table', () => {
  it('names every line and every handler once', () => {
    expect(new Set(lines.map(({ line }) => line)).size).toBe(lines.length);
    expect(new Set(lines.map(({ handler }) => handler)).size).toBe(lines.length);
  });

  it('lets strangers have these routes and no others', () => {
    const open = lines.filter(({ access }) => access === 'public' || access === 'optional');
    expect(open.map(({ line }) => line)).toEqual([
      'GET /',
      'GET /healthcheck',
      'GET /healthcheck/live',
      'GET /openapi.json',
      'POST /auth',
      'DELETE /auth',
      'GET /nova',
      'GET /nova-console.vv',
      'GET /v1',
      'GET /v1/',
      'GET /v1/sessions/:id/console.vv',
    ]);
  });

  it('keeps the direct console for administrators, and says so', () => {
    expect(
      lines.flatMap(({ line, rule, refusal }) => (refusal === undefined ? [] : [[line, rule, refusal]])),
    ).toEqual([
      [
        'GET /console/direct/:source/:uuid/console.vv',
        'kerbside:consoles:direct',
        'direct console access requires an administrator',
      ],
    ]);
  });

  it('names a rule of the policy wherever a user is asked for, and nowhere else', () => {
    for (const { access, rule } of lines) expect(rule !== undefined).toBe(access === 'user');
  });

  it('is what the rules say that they guard', () => {
    const guarded = (method: string, path: string): string[] =>
      RULES.filter(({ operations }) =>
        operations.some((one) => one.method === method && one.path === path),
      ).map(({ name }) => name);
    for (const { method, path, rule } of lines) {
      if (rule !== undefined) expect(guarded(method, path.replace(/:([a-z]+)/g, '{$1}'))).toContain(rule);
    }
    const operations = RULES.flatMap((rule) =>
      rule.operations.map(({ method, path }) => `${method} ${path}`),
    );
    const known = lines.map(({ method, path }) => `${method} ${path.replace(/:([a-z]+)/g, '{$1}')}`);
    expect(operations.filter((operation) => !known.includes(operation))).toEqual([]);
  });

  it.each(lines)('finds $line by itself', ({ method, path, handler }) => {
    const match = matchRoute(method, path.replace(/:([a-z]+)/g, 'my-$1'));
    expect(match).toMatchObject({ kind: 'route', route: { handler } });
  });

  it('has only POST for what ends something', () => {
    const ends = lines.filter(({ path }) => path.endsWith('/terminate'));
    expect(ends.map(({ method }) => method)).toEqual(['POST', 'POST']);
  });
});

describe('matchRoute', () => {
  it('gives the parameters of the path, decoded', () => {
    expect(matchRoute('GET', '/console/my%20lab/a%2Fb/audit')).toMatchObject({
      kind: 'route',
      route: { handler: 'console.audit' },
      params: { source: 'my lab', uuid: 'a/b' },
    });
  });

  it('sends HEAD where GET goes, but not where GET makes a token', () => {
    expect(matchRoute('HEAD', '/console').kind).toBe('route');
    expect(matchRoute('HEAD', '/console/proxy/s/u/console.vv')).toEqual({
      kind: 'wrong_method',
      allowed: ['GET'],
    });
  });

  it.each([
    ['GET', '/console/s/u/terminate', ['POST']],
    ['GET', '/session/x/terminate', ['POST']],
    ['PUT', '/auth', ['DELETE', 'POST']],
    ['OPTIONS', '/console', ['GET', 'HEAD']],
    ['POST', '/', ['GET', 'HEAD']],
    ['BREW', '/console', ['GET', 'HEAD']],
  ])('refuses %s %s and names the methods', (method, path, allowed) => {
    expect(matchRoute(method, path)).toEqual({ kind: 'wrong_method', allowed });
  });

  it.each([
    '/nothing',
    '/console/',
    '/Console',
    '//console',
    '/console//u',
    '/console/s/u/audit/',
    '/console/proxy/s/u/console_vv',
    '/../console',
    '',
  ])('knows no %j', (path) => {
    expect(matchRoute('GET', path)).toEqual({ kind: 'unknown' });
  });

  it.each(['/source/%', '/source/%zz', '/source/%ff'])('calls %s malformed', (path) => {
    expect(matchRoute('GET', path)).toEqual({ kind: 'malformed' });
  });
});
