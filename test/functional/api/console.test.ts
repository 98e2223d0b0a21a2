// SPDX-License-Identifier: Apache-2.0
// Consoles over HTTP: listing, audit trail, .vv files, termination.
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { AuditEvents } from '../../../src/objects/audit-event.js';
import { sessionNouns } from '../../fixtures/session-nouns.js';
import { fingerprint } from '../../../src/objects/console-token.js';
import { Consoles } from '../../../src/objects/console.js';
import { Sources } from '../../../src/objects/source.js';
import { aConsole, anApiSite, CA, type Answer, type ApiSite } from '../../fixtures/api-site.js';
import { handmadeToken, sevenClaims } from '../../fixtures/handmade-jwt.js';
import { SEED } from '../../fixtures/api-site.js';

let site: ApiSite;
const FIRST = aConsole();
const PINNED = aConsole({
  uuid: '00000000-0000-4000-8000-000000000002',
  name: 'evil\nhost=attacker.example',
  hypervisor: '',
  insecurePort: null,
  securePort: 5911,
  hostSubject: 'C=US,O=Lab,CN=hv1',
  ticket: '',
});
const THIRD = aConsole({ uuid: '00000000-0000-4000-8000-000000000003' });

beforeEach(async () => {
  site = await anApiSite();
  const sources = new Sources(site.db);
  await sources.upsert({ name: 'lab', type: 'static' });
  await sources.upsert({ name: 'empty', type: 'static' });
  await new Consoles(site.db).reconcile('lab', [FIRST, PINNED, THIRD]);
});
afterEach(() => site.close());

const get = (path: string, token = site.operator): Promise<Answer> => site.call('GET', path, { token });
const notFound = (error: string) => ({ status: 404, json: { error, status: 404 } });

/** The values of a .vv file by key; the keys in order. */
function parsed(answer: Answer): { keys: string[]; values: Record<string, string> } {
  const [first, ...lines] = answer.text.trimEnd().split('\n');
  expect(first).toBe('[virt-viewer]');
  const pairs = lines.map((line): [string, string] => [
    line.slice(0, line.indexOf('=')),
    line.slice(line.indexOf('=') + 1),
  ]);
  return { keys: pairs.map(([key]) => key), values: Object.fromEntries(pairs) };
}

async function trail(uuid: string): Promise<string[]> {
  return (await new AuditEvents(site.db).list('lab', uuid, 1000)).events.map(({ message }) => message);
}

/** The newest event of a console. */
async function newest(uuid: string): Promise<Record<string, unknown>> {
  const { audit } = (await get(`/console/lab/${uuid}/audit?limit=1`)).json as {
    audit: Record<string, unknown>[];
  };
  return audit[0] ?? {};
}

/** What the trail says of an event that a request of this user caused, for the same user. */
function askedBy(user: string, answer: Answer): Record<string, unknown> {
  return {
    ...{ issued_to: user, client_ip: '127.0.0.1', service: 'kerbside' },
    ...{ requested_by: 'user', request_user: user, request_ip: '127.0.0.1' },
    request_id: answer.headers['x-openstack-request-id'],
  };
}

describe('GET /console', () => {
  const shown = {
    uuid: FIRST.uuid,
    source: 'lab',
    hypervisor: 'hv1.example.org',
    hypervisor_ip: '192.0.2.10',
    insecure_port: 5910,
    secure_port: null,
    name: 'desktop',
    host_subject: null,
    protocol: 'spice',
    discovered: expect.any(Number),
    sessions: [],
    token_count: 0,
    audit: [],
    guest_policy: expect.objectContaining({ usb: { value: ['*'], from: 'deployment' } }),
  };

  it('lists consoles without their tickets', async () => {
    const answer = await get('/console');
    expect((answer.json as unknown[])[0]).toEqual(shown);
    expect((answer.json as unknown[]).length).toBe(3);
    expect(answer.text).not.toContain('static ticket');
    expect(answer.headers).not.toHaveProperty('link');
  });

  it('pages by limit and marker until nothing is left', async () => {
    const uuids: string[] = [];
    let path: string | undefined = '/console?limit=2';
    for (let pages = 0; path !== undefined && pages < 5; pages += 1) {
      const answer: Answer = await get(path);
      uuids.push(...(answer.json as { uuid: string }[]).map(({ uuid }) => uuid));
      path = /^<(.*)>; rel="next"$/.exec((answer.headers['link'] as string | undefined) ?? '')?.[1];
    }
    expect(uuids).toEqual([FIRST.uuid, PINNED.uuid, THIRD.uuid]);
  });

  it('shows one console', async () => {
    expect(await get(`/console/lab/${FIRST.uuid}`)).toMatchObject({ status: 200, json: shown });
  });

  it.each(['/console/lab/none', `/console/empty/${FIRST.uuid}`, `/console/none/${FIRST.uuid}`])(
    '%s is 404',
    async (path) => {
      expect(await get(path)).toMatchObject(notFound('console not found'));
    },
  );
});

describe('GET /console/<source>/<uuid>/audit', () => {
  it('gives the newest events, oldest first, and how many there are', async () => {
    const events = new AuditEvents(site.db);
    for (let i = 0; i < 25; i += 1)
      await events.record({ source: 'lab', uuid: THIRD.uuid, message: `event ${i}` });
    const page = async (query: string) =>
      (await get(`/console/lab/${THIRD.uuid}/audit${query}`)).json as {
        audit: Record<string, unknown>[];
        total: number;
      };
    const usual = await page('');
    expect(usual.total).toBe(26);
    expect(usual.audit.map(({ message }) => message)).toEqual(
      Array.from({ length: 20 }, (_, i) => `event ${i + 5}`),
    );
    expect(usual.audit[0]).toEqual({
      source: 'lab',
      uuid: THIRD.uuid,
      session_id: null,
      channel: null,
      node: null,
      pid: null,
      timestamp: expect.any(Number),
      message: 'event 5',
      issued_to: null,
      client_ip: null,
      service: null,
      requested_by: null,
      request_user: null,
      request_user_id: null,
      request_id: null,
      request_ip: null,
    });
    expect((await page('?limit=1')).audit.map(({ message }) => message)).toEqual(['event 24']);
    expect((await page('?limit=1000000')).audit.map(({ message }) => message)[0]).toBe(
      'Discovered new console',
    );
  });

  it('is 404 for a console that is not there', async () => {
    expect(await get('/console/lab/none/audit')).toMatchObject(notFound('console not found'));
  });

  it('refuses a limit that is no number', async () => {
    expect(await get(`/console/lab/${FIRST.uuid}/audit?limit=all`)).toMatchObject({ status: 400 });
  });
});

describe('GET /console/proxy/<source>/<uuid>/console.vv', () => {
  const KEYS = [
    'type',
    'host',
    'tls-port',
    'password',
    'delete-this-file',
    'fullscreen',
    'title',
    'toggle-fullscreen',
    'release-cursor',
    'secure-attention',
    'enable-smartcard',
    'enable-usb-autoshare',
    'usb-filter',
    'tls-ciphers',
    'ca',
    'host-subject',
    'ticket-valid-until',
  ];

  it('makes a token, and a file that names the proxy and never the hypervisor', async () => {
    const token = handmadeToken(sevenClaims('demo'), SEED);
    const before = Math.floor(Date.now() / 1000);
    const answer = await get(`/console/proxy/lab/${FIRST.uuid}/console.vv`, token);
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('application/x-virt-viewer;charset=UTF-8');
    expect(answer.headers['cache-control']).toBe('no-store');
    const { keys, values } = parsed(answer);
    expect(keys).toEqual(KEYS);
    expect(values).toMatchObject({
      type: 'spice',
      host: 'kerbside.example.org',
      'tls-port': '5900',
      password: expect.stringMatching(/^[A-Za-z0-9]{48}$/),
      title: expect.stringMatching(/^desktop via proxy session ID [A-Za-z0-9]{12}$/),
      ca: CA.replace(/\n/g, '\\n'),
      'host-subject': 'C=US,O=Shaken Fist,CN=Kerbside Proxy',
    });
    const left = Number(values['ticket-valid-until']) - before;
    expect(left).toBeGreaterThanOrEqual(599);
    expect(left).toBeLessThanOrEqual(602);
    expect(answer.text).not.toMatch(/hv1|192\.0\.2\.10|[^.\d]5910\b|static ticket/);
    expect(await newest(FIRST.uuid)).toMatchObject({
      ...{ message: 'Created authentication token for session.', ...askedBy('demo', answer) },
      session_id: /ID (\S+)$/.exec(values['title'] ?? '')?.[1],
    });
    expect((await get(`/console/lab/${FIRST.uuid}`)).json).toMatchObject({ token_count: 1 });
  });

  it('makes a password that the proxy takes', async () => {
    const { values } = parsed(await get(`/console/proxy/lab/${FIRST.uuid}/console.vv`));
    const grant = await sessionNouns(site.db).admission.authorize({
      ticket: values['password']!,
      connectionId: 0,
      channelType: 1,
      channelId: 0,
      clientIp: '192.0.2.1',
      clientPort: 1,
      node: 'node1',
      pid: 1,
    });
    expect(grant.kind).toBe('granted');
  });

  it('lets the name of a console add nothing to the file', async () => {
    const { keys, values } = parsed(await get(`/console/proxy/lab/${PINNED.uuid}/console.vv`));
    expect(keys).toEqual(KEYS);
    expect(values['host']).toBe('kerbside.example.org');
    expect(values['title']).toMatch(/^evil host=attacker\.example via proxy session ID /);
  });

  it('is 404 for a source or a console that is not there', async () => {
    expect(await get(`/console/proxy/none/${FIRST.uuid}/console.vv`)).toMatchObject(
      notFound('source not found'),
    );
    expect(await get('/console/proxy/lab/none/console.vv')).toMatchObject(notFound('console not found'));
  });

  it('makes no token for HEAD', async () => {
    const before = await trail(THIRD.uuid);
    const answer = await site.call('HEAD', `/console/proxy/lab/${THIRD.uuid}/console.vv`, {
      token: site.operator,
    });
    expect(answer.status).toBe(405);
    expect(await trail(THIRD.uuid)).toEqual(before);
  });
});

describe('GET /console/direct/<source>/<uuid>/console.vv', () => {
  it('gives an administrator the way to the hypervisor, and audits it', async () => {
    const answer = await get(`/console/direct/lab/${FIRST.uuid}/console.vv`, site.admin);
    expect(answer.headers['content-type']).toBe('application/x-virt-viewer;charset=UTF-8');
    const { keys, values } = parsed(answer);
    expect(keys).not.toContain('tls-port');
    expect(keys).not.toContain('host-subject');
    expect(keys).not.toContain('ticket-valid-until');
    expect(values).toMatchObject({
      host: '192.0.2.10',
      port: '5910',
      password: 'the static ticket',
      title: 'desktop direct connection',
      ca: CA.replace(/\n/g, '\\n'),
    });
    expect(await newest(FIRST.uuid)).toMatchObject({
      ...{ message: 'Issued direct hypervisor credential to root', ...askedBy('root', answer) },
    });
  });

  it('names the TLS port and the pin', async () => {
    const { values } = parsed(await get(`/console/direct/lab/${PINNED.uuid}/console.vv`, site.admin));
    expect(values).toMatchObject({
      host: '192.0.2.10',
      'tls-port': '5911',
      password: '',
      'host-subject': 'C=US,O=Lab,CN=hv1',
    });
  });

  it('refuses everyone else, and audits it if the console exists', async () => {
    const error = 'direct console access requires an administrator';
    const answer = await get(`/console/direct/lab/${FIRST.uuid}/console.vv`);
    expect(answer).toMatchObject({ status: 403, json: { error, status: 403 } });
    expect(answer.text).not.toContain('ticket');
    expect(await newest(FIRST.uuid)).toMatchObject({
      ...{ message: 'Refused direct console credential to non-admin user demo', ...askedBy('demo', answer) },
    });
    expect(await get('/console/direct/lab/none/console.vv')).toMatchObject({ status: 403 });
    expect(await trail('none')).toEqual([]);
  });

  it('is 404 for a console that is not there', async () => {
    expect(await get('/console/direct/lab/none/console.vv', site.admin)).toMatchObject(
      notFound('console not found'),
    );
  });
});

describe('POST /console/<source>/<uuid>/terminate', () => {
  const terminate = (uuid: string, accept = 'application/json') =>
    site.call('POST', `/console/lab/${uuid}/terminate`, { token: site.operator, accept });

  it('makes the tokens of a console worthless, and lists their fingerprints', async () => {
    const { values } = parsed(await get(`/console/proxy/lab/${THIRD.uuid}/console.vv`));
    const password = values['password']!;
    const answer = await terminate(THIRD.uuid);
    expect(answer).toMatchObject({ status: 200, json: { result: 'ok', tokens: [fingerprint(password)] } });
    expect(fingerprint(password)).toMatch(/^[0-9a-f]{12}$/);
    expect(answer.text).not.toContain(password);
    const refused = await sessionNouns(site.db).admission.authorize({
      ticket: password,
      connectionId: 0,
      channelType: 1,
      channelId: 0,
      clientIp: '192.0.2.1',
      clientPort: 1,
      node: 'node1',
      pid: 1,
    });
    expect(refused).toMatchObject({ kind: 'denied', reason: 'token_terminated' });
    expect(await trail(THIRD.uuid)).toContain('Session terminated by request');
  });

  it('is no error when there is nothing to end', async () => {
    expect(await terminate('none')).toMatchObject({ status: 200, json: { result: 'ok', tokens: [] } });
  });

  it('sends a browser back to the consoles', async () => {
    const answer = await terminate('none', 'text/html');
    expect([answer.status, answer.headers.location]).toEqual([302, '/console']);
  });
});
