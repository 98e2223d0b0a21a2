// SPDX-License-Identifier: Apache-2.0
// The OpenAPI document: complete, consistent, and the same as its copy in doc/source.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import 'reflect-metadata';
import { getMetadataStorage } from 'class-validator';
import { toJson } from '../../../src/api/json-format.js';
import { openApiDocument } from '../../../src/api/openapi.js';
import { ROUTES } from '../../../src/api/routes.js';
import { LoginBody } from '../../../src/api/schemas/login.js';
import { CreateConsoleBody } from '../../../src/api/schemas/v1.js';

interface Operation {
  readonly operationId: string;
  readonly security: readonly unknown[];
  readonly 'x-kerbside-rule'?: string;
  readonly 'x-kerbside-since'?: string;
}

const text = toJson(openApiDocument());
const document = JSON.parse(text) as {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, unknown> };
};

describe('the OpenAPI document', () => {
  it('is the one in doc/source/openapi.json; if not, run tox-style-scripts/genopenapi', () => {
    expect(readFileSync('doc/source/openapi.json', 'utf8')).toBe(`${text}\n`);
  });

  it('has every route once', () => {
    const found = Object.values(document.paths).flatMap((operations) => Object.values(operations));
    expect(found.map(({ operationId }) => operationId).sort()).toEqual(
      ROUTES.map(({ handler }) => handler).sort(),
    );
  });

  it('demands a credential where the table does', () => {
    for (const route of ROUTES) {
      const path = route.path.replace(/:([a-z]+)/g, '{$1}');
      const operation = document.paths[path]?.[route.method.toLowerCase()];
      const openToAll = operation?.security.length === 0 || JSON.stringify(operation?.security[0]) === '{}';
      expect([route.path, openToAll]).toEqual([
        route.path,
        route.access === 'public' || route.access === 'optional',
      ]);
    }
  });

  it('names the rule and the version of each route', () => {
    for (const { path, method, rule, since } of ROUTES) {
      const operation = document.paths[path.replace(/:([a-z]+)/g, '{$1}')]?.[method.toLowerCase()];
      const version = since === undefined ? undefined : `1.${since}`;
      expect([path, operation?.['x-kerbside-rule'], operation?.['x-kerbside-since']]).toEqual([
        path,
        rule,
        version,
      ]);
    }
  });

  it('refers to no schema that it lacks, and lacks no use of those it has', () => {
    const used = new Set([...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map((match) => match[1]));
    expect([...used].sort()).toEqual(Object.keys(document.components.schemas).sort());
  });
});

interface Member {
  readonly maxLength?: number;
  readonly enum?: readonly string[];
}

/** What the class of a body says of its members: how long they are, or which values they have. */
function membersOf(body: new () => object): Record<string, Member> {
  const members: Record<string, Member> = {};
  const metadata = getMetadataStorage().getTargetValidationMetadatas(body, '', false, false);
  for (const { propertyName, name, constraints } of metadata) {
    const limits = constraints as readonly unknown[];
    const member = (members[propertyName] ??= {}) as Record<string, unknown>;
    if (name === 'maxLength') member['maxLength'] = limits[0];
    if (name === 'isLength') member['maxLength'] = limits[1];
    if (name === 'isIn') member['enum'] = limits[0];
  }
  return members;
}

describe('the schema of a body', () => {
  it.each([
    ['Login', LoginBody],
    ['V1CreateConsole', CreateConsoleBody],
  ] as const)('%s says what its class checks', (name, body) => {
    const { properties } = document.components.schemas[name] as { properties: Record<string, Member> };
    const said = Object.entries(properties).map(([member, { maxLength, enum: values }]) => [
      member,
      {
        ...(maxLength === undefined ? {} : { maxLength }),
        ...(values === undefined ? {} : { enum: values }),
      },
    ]);
    expect(Object.fromEntries(said)).toEqual(membersOf(body));
  });
});
