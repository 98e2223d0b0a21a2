// SPDX-License-Identifier: Apache-2.0
// The answers of /v1 are what the OpenAPI document says, member for member.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sessionNouns } from '../../fixtures/session-nouns.js';
import { Services } from '../../../src/objects/service.js';
import { differences } from '../../fixtures/json-schema.js';
import { aV1Site, type V1Site } from '../../fixtures/v1-site.js';
import { parseVvFile } from '../../fixtures/vv-file.js';

type Json = Readonly<Record<string, unknown>>;
interface Operation {
  readonly responses: Readonly<
    Record<string, { content?: Readonly<Record<string, { schema: Json }>> } | undefined>
  >;
}
const document = JSON.parse(readFileSync('doc/source/openapi.json', 'utf8')) as {
  paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  components: { schemas: Readonly<Record<string, Json>> };
};

let v1: V1Site;
let admin: string;
let uuid: string;
let session: string;

beforeAll(async () => {
  v1 = await aV1Site();
  uuid = v1.cloud.server().id;
  const member = v1.cloud.user();
  admin = v1.cloud.user(['admin']);
  const body = { instance_uuid: uuid };
  const file = await v1.ask(member, 'POST', '/v1/consoles', { body, accept: 'application/x-virt-viewer' });
  const nouns = sessionNouns(v1.site.db);
  const grant = await nouns.admission.authorize({
    ...{ ticket: parseVvFile(file.text).password, connectionId: 0, channelType: 1, channelId: 0 },
    ...{ clientIp: '2001:db8::1', clientPort: 40000, node: 'node1', pid: 42 },
  });
  if (grant.kind !== 'granted') throw new Error(grant.reason);
  await nouns.channels.linked(grant.connectionRef);
  await nouns.channels.closed(grant.connectionRef, {
    reason: 'idle',
    bytesUp: 1,
    bytesDown: 2,
    duration: 0.5,
  });
  session = grant.sessionId;
  const run = { host: 'node1', binary: 'kerbside-proxy', runId: 'a run', pid: 42, version: '1.0.0' };
  await new Services(v1.site.db).register({ ...run, reportInterval: 5 }, {});
});
afterAll(() => v1.close());

describe('the answers of /v1', () => {
  it.each([
    ['get', '/v1', 200],
    ['get', '/v1/', 200],
    ['get', '/v1/consoles', 200],
    ['get', '/v1/consoles/{source}/{uuid}', 200],
    ['get', '/v1/sessions', 200],
    ['get', '/v1/sessions/{id}', 200],
    ['get', '/v1/connections', 200],
    ['get', '/v1/sources', 200],
    ['get', '/v1/sources/{name}', 200],
    ['get', '/v1/audit-events', 200],
    ['get', '/v1/services', 200],
    ['post', '/v1/consoles', 201],
    ['post', '/v1/consoles', 404],
    ['get', '/v1/sessions/{id}/console.vv', 404],
  ])('%s %s with %i are as the document says', async (method, path, status) => {
    const known = path.replace('{source}', 'cloud').replace('{uuid}', uuid).replace('{name}', 'cloud');
    const url = `${known.replace('{id}', session)}${method === 'get' && path.endsWith('s') ? '?limit=1' : ''}`;
    const asked = status === 404 ? '00000000-0000-4000-8000-000000000009' : uuid;
    const headers = { 'OpenStack-API-Version': 'console latest' };
    const call = method === 'post' ? { headers, body: { instance_uuid: asked } } : { headers };
    const answer = await v1.ask(admin, method.toUpperCase(), url, call);
    expect(answer.status).toBe(status);
    const schema =
      document.paths[path]?.[method]?.responses[String(status)]?.content?.['application/json']?.schema;
    expect(differences(answer.json, schema!, document.components.schemas)).toEqual([]);
    const listed = Object.values(answer.json as Record<string, unknown>)[0];
    if (Array.isArray(listed)) expect(listed).not.toHaveLength(0);
  });
});

describe('differences', () => {
  const schema = { type: 'object', properties: { a: { type: 'integer' } }, required: ['a'] };

  it.each([
    [{ a: 1 }, []],
    [{}, ['$: no a']],
    [{ a: 'x' }, ['$.a: string instead of integer']],
    [{ a: 1, b: 2 }, ['$: b is unknown']],
  ])('of %j', (value, expected) => {
    expect(differences(value, schema, {})).toEqual(expected);
  });
});
