// SPDX-License-Identifier: Apache-2.0
// The table of routes, and what the router is told of it.
import { describe, expect, it } from '@jest/globals';
import { methodsOn, routerPath, ROUTES } from '../../../src/api/routes.js';
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
      'GET /sf-console.vv',
      'GET /ui',
      'GET /ui/',
      'GET /ui/assets/:file',
      'GET /ui/whoami',
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

  it('has no path that another one would take the requests of', () => {
    const fits = (template: string[], parts: string[]): boolean =>
      template.length === parts.length &&
      template.every((part, index) => part.startsWith(':') || part === parts[index]);
    const paths = [...new Set(lines.map(({ path }) => path))].map((path) => path.split('/'));
    for (const path of paths) {
      const request = path.map((part) => part.replace(':', 'my-'));
      expect(paths.filter((template) => fits(template, request))).toEqual([path]);
    }
  });

  it('has only POST for what ends something', () => {
    const ends = lines.filter(({ path }) => path.endsWith('/terminate'));
    expect(ends.map(({ method }) => method)).toEqual(['POST', 'POST']);
  });
});

describe('methodsOn', () => {
  it('has HEAD where GET is, but not where GET makes a token', () => {
    expect(methodsOn('/console')).toEqual(['GET', 'HEAD']);
    expect(methodsOn('/console/proxy/:source/:uuid/console.vv')).toEqual(['GET']);
  });

  it.each([
    ['/console/:source/:uuid/terminate', ['POST']],
    ['/auth', ['DELETE', 'POST']],
    ['/v1/consoles/:source/:uuid', ['DELETE', 'GET', 'HEAD']],
    ['/v1{/}', ['GET', 'HEAD']],
    ['/nothing', []],
  ])('gives those of all lines of %s', (path, methods) => {
    expect(methodsOn(path)).toEqual(methods);
  });
});

describe('routerPath', () => {
  it('keeps a slash at the end, which the router would drop', () => {
    expect(['/', '/v1', '/v1/'].map((path) => routerPath({ path }))).toEqual(['/', '/v1', '/v1{/}']);
  });
});
