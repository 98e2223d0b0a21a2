// SPDX-License-Identifier: Apache-2.0
// Sessions over HTTP.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { sessionNouns } from '../../fixtures/session-nouns.js';
import { ConsoleTokens } from '../../../src/objects/console-token.js';
import { Consoles } from '../../../src/objects/console.js';
import { Sources } from '../../../src/objects/source.js';
import { aConsole, anApiSite, type ApiSite } from '../../fixtures/api-site.js';

let site: ApiSite;
const { uuid } = aConsole();

beforeEach(async () => {
  site = await anApiSite();
  await new Sources(site.db).upsert({ name: 'lab', type: 'static' });
  await new Consoles(site.db).reconcile('lab', [aConsole()]);
});
afterEach(() => site.close());

async function aSession(): Promise<string> {
  const { token, sessionId } = await new ConsoleTokens(site.db, { tokenTtl: 600 }).mint({
    source: 'lab',
    uuid,
    issuedTo: 'demo',
  });
  const nouns = sessionNouns(site.db);
  const grant = await nouns.admission.authorize({
    ticket: token,
    connectionId: 0,
    channelType: 1,
    channelId: 0,
    clientIp: '2001:db8::1',
    clientPort: 40000,
    node: 'node1',
    pid: 42,
  });
  if (grant.kind !== 'granted') throw new Error(grant.reason);
  await nouns.channels.linked(grant.connectionRef);
  await nouns.channels.establish(grant.sessionId, grant.generation, 7);
  return sessionId;
}

describe('GET /session', () => {
  it('shows sessions with their channels, and pages', async () => {
    expect(await site.call('GET', '/session', { token: site.operator })).toMatchObject({
      status: 200,
      text: '{}',
    });
    const ids = [await aSession(), await aSession()].sort();
    const answer = await site.call('GET', '/session', { token: site.operator });
    const sessions = answer.json as Record<string, { channels: Record<string, unknown>[] }>;
    expect(Object.keys(sessions)).toEqual(ids);
    expect(sessions[ids[0]!]).toEqual({
      source: 'lab',
      uuid,
      name: 'desktop',
      issued_to: 'demo',
      channels: [
        {
          id: expect.any(Number),
          node: 'node1',
          pid: 42,
          created: expect.any(Number),
          client_ip: '2001:db8::1',
          client_port: 40000,
          connection_id: null,
          channel_type: 'main',
          channel_id: 0,
          session_id: ids[0],
          connection_ref: expect.any(String),
        },
      ],
    });

    const page = await site.call('GET', '/session?limit=1', { token: site.operator });
    expect(Object.keys(page.json as object)).toEqual([ids[0]]);
    const link = /^<(.*)>; rel="next"$/.exec(page.headers['link'] as string)?.[1];
    const next = await site.call('GET', link!, { token: site.operator });
    expect(Object.keys(next.json as object)).toEqual([ids[1]]);
  });
});

describe('POST /session/<id>/terminate', () => {
  it('ends a session', async () => {
    const id = await aSession();
    const answer = await site.call('POST', `/session/${id}/terminate`, { token: site.operator });
    expect(answer).toMatchObject({ status: 200, text: '{\n    "result": "ok"\n}' });
    const nouns = sessionNouns(site.db);
    const ending = await nouns.sessions.sessionsToClose(60);
    expect(ending.find(({ sessionId }) => sessionId === id)).toMatchObject({ terminated: true });
    const trail = await site.call('GET', `/console/lab/${uuid}/audit`, { token: site.operator });
    const { audit } = trail.json as { audit: Record<string, unknown>[] };
    expect(audit.at(-1)).toEqual({
      ...{ source: 'lab', uuid, session_id: id, channel: null, node: 'node1', pid: process.pid },
      ...{ timestamp: expect.any(Number), message: 'Session terminated by request' },
      ...{ issued_to: 'demo', client_ip: '2001:db8::1', service: 'kerbside' },
      ...{ requested_by: 'user', request_user: 'demo', request_user_id: null },
      ...{ request_id: answer.headers['x-openstack-request-id'], request_ip: '127.0.0.1' },
    });
  });

  it('sends a browser back to the sessions', async () => {
    const id = await aSession();
    const answer = await site.call('POST', `/session/${id}/terminate`, {
      token: site.operator,
      accept: 'text/html',
    });
    expect([answer.status, answer.headers.location]).toEqual([302, '/session']);
  });

  it('is 404 for a session that is not there', async () => {
    const answer = await site.call('POST', '/session/aaaaaaaaaaaa/terminate', { token: site.operator });
    expect(answer).toMatchObject({ status: 404, json: { error: 'session not found', status: 404 } });
  });
});
