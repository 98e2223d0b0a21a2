// SPDX-License-Identifier: Apache-2.0
// POST /v1/consoles: one call from a Keystone token to a .vv file, with Nova deciding.
import { afterEach, describe, expect, it } from '@jest/globals';
import { sessionNouns } from '../../fixtures/session-nouns.js';
import { Consoles } from '../../../src/objects/console.js';
import { Sources } from '../../../src/objects/source.js';
import { aConsole, type Answer } from '../../fixtures/api-site.js';
import { Cloud } from '../../fixtures/cloud.js';
import type { NovaOptions } from '../../fixtures/nova.js';
import { aV1Site, type V1Site } from '../../fixtures/v1-site.js';
import { parseVvFile } from '../../fixtures/vv-file.js';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function start(
  options: Partial<NovaOptions> = {},
  env: Readonly<Record<string, string>> = {},
): Promise<V1Site> {
  const v1 = await aV1Site(options, env);
  open.push(v1);
  return v1;
}

/** The version that VNC came with, and a site that has pages for browsers. */
const VNC = { 'OpenStack-API-Version': 'console 1.8' };
const PAGES = { OS_HTML5PROXY__PUBLIC_URL: 'https://desk.example.org' };

const post = (
  v1: V1Site,
  token: string,
  body: object,
  accept = 'application/json',
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> => v1.ask(token, 'POST', '/v1/consoles', { body, accept, headers });

interface Opened {
  readonly session_id: string;
  readonly expires_at: string;
  readonly links: readonly { readonly rel: string; readonly href: string }[];
}
const opened = ({ json }: Answer): Opened => (json as { console: Opened }).console;
const fileLink = (answer: Answer): string =>
  opened(answer)
    .links.find(({ rel }) => rel === 'console_file')!
    .href.replace(/^http:\/\/[^/]+/, '');
const detail = ({ json }: Answer): string => (json as { errors: { detail: string }[] }).errors[0]!.detail;

const lets = async (v1: V1Site, ticket: string): Promise<string> =>
  (
    await sessionNouns(v1.site.db).admission.authorize({
      ...{ ticket, connectionId: 0, channelType: 1, channelId: 0 },
      ...{ clientIp: '2001:db8::1', clientPort: 40000, node: 'node1', pid: 42 },
    })
  ).kind;

describe('POST /v1/consoles', () => {
  it('opens a console as the user, and links to a file that can be fetched once', async () => {
    const v1 = await start();
    const server = v1.cloud.server({ name: 'desk', port: 5911, tlsPort: 5912, host: '192.0.2.9' });
    const token = v1.cloud.user();
    const answer = await post(v1, token, { instance_uuid: server.id });
    expect(answer.status).toBe(201);
    expect(answer.json).toEqual({
      console: {
        id: `cloud/${server.id}`,
        session_id: expect.stringMatching(/^[A-Za-z0-9]{12}$/),
        source: 'cloud',
        instance_uuid: server.id,
        name: 'desk',
        project_id: v1.cloud.project.id,
        expires_at: expect.stringMatching(/Z$/),
        connection: {
          protocol: 'spice',
          host: 'kerbside.example.org',
          port: null,
          tls_port: 5900,
          host_subject: 'C=US,O=Shaken Fist,CN=Kerbside Proxy',
          ca: expect.stringContaining('BEGIN CERTIFICATE'),
        },
        links: expect.any(Array),
      },
    });
    expect(answer.text).not.toContain('192.0.2.9');
    const session = await v1.ask(token, 'GET', `/v1/sessions/${opened(answer).session_id}`);
    expect(answer.headers.location).toContain(`/v1/sessions/${opened(answer).session_id}`);
    expect(session.json).toMatchObject({
      session: { state: 'pending', expires_at: opened(answer).expires_at },
    });

    const link = fileLink(answer);
    const key = link.split('key=')[1]!;
    expect(await lets(v1, key)).toBe('denied');
    expect((await v1.site.call('HEAD', link)).status).toBe(405);
    expect((await v1.site.call('GET', link.replace(key, 'x'.repeat(48)))).status).toBe(404);
    const [one, two] = await Promise.all([v1.site.call('GET', link), v1.site.call('GET', link)]);
    expect([one.status, two.status].sort()).toEqual([200, 404]);
    const file = parseVvFile((one.status === 200 ? one : two).text);
    expect(file.values.get('title')).toBe(`desk via proxy session ID ${opened(answer).session_id}`);
    expect(await lets(v1, file.password)).toBe('granted');
  });

  it('answers with the file itself when that is asked for', async () => {
    const v1 = await start();
    const server = v1.cloud.server();
    const body = { instance_uuid: server.id.toUpperCase(), source: 'cloud' };
    const answer = await post(v1, v1.cloud.user(), body, 'application/x-virt-viewer');
    expect(answer.status).toBe(201);
    expect(answer.headers['content-type']).toBe('application/x-virt-viewer;charset=UTF-8');
    expect(await lets(v1, parseVvFile(answer.text).password)).toBe('granted');
  });

  it('does not give a file for a session that was ended', async () => {
    const v1 = await start();
    const token = v1.cloud.user();
    const answer = await post(v1, token, { instance_uuid: v1.cloud.server().id });
    expect((await v1.ask(token, 'DELETE', `/v1/sessions/${opened(answer).session_id}`)).status).toBe(204);
    expect((await v1.site.call('GET', fileLink(answer))).status).toBe(404);
  });

  it.each([
    ['2.100', 'spice-direct', 201],
    ['2.100', 'spice-html5', 201],
    ['2.98', undefined, 201],
    ['2.98', 'spice-direct', 400],
    ['2.31', 'spice-html5', 201],
    ['2.30', undefined, 503],
  ])('with Nova %s and type %s is %s', async (maxVersion, type, status) => {
    const v1 = await start({ maxVersion });
    const body = { instance_uuid: v1.cloud.server().id, ...(type === undefined ? {} : { type }) };
    expect((await post(v1, v1.cloud.user(), body)).status).toBe(status);
  });

  it.each(['2.100', '2.31', '2.30'])('by VNC with Nova %s opens in the browser alone', async (maxVersion) => {
    // Below 2.31 no Nova reads its tokens back.
    const v1 = await start({ maxVersion, vnc: true, spice: false }, PAGES);
    const server = v1.cloud.server({ name: 'desk', port: 5903, host: '192.0.2.9' });
    const token = v1.cloud.user();
    const answer = await post(
      v1,
      token,
      { instance_uuid: server.id, type: 'novnc' },
      'application/json',
      VNC,
    );
    if (maxVersion === '2.30') {
      expect([answer.status, detail(answer)]).toEqual([503, expect.stringContaining('2.31')]);
      return;
    }
    expect(answer.status).toBe(201);
    const { links, session_id: id } = opened(answer);
    expect((answer.json as { console: object }).console).toMatchObject({ connection: { protocol: 'vnc' } });
    expect(links.map(({ rel }) => rel)).toEqual(['self', 'session', 'console_browser']);
    const page = links.find(({ rel }) => rel === 'console_browser')!.href;
    expect(page).toMatch(/^https:\/\/desk\.example\.org\/vnc_lite\.html\?session=/);
    const known = await new Consoles(v1.site.db).find('cloud', server.id);
    expect(known).toMatchObject({ protocol: 'vnc', insecurePort: 5903, hypervisor: '192.0.2.9' });
    // The key of the page makes no file for a client that does not speak VNC, and stays good for the page.
    const key = new URL(page).searchParams.get('key') ?? '';
    for (let twice = 0; twice < 2; twice += 1) {
      const file = await v1.site.call('GET', `/v1/sessions/${id}/console.vv?key=${key}`);
      expect([file.status, detail(file)]).toEqual([
        409,
        'this console speaks VNC, and opens in the browser only: take the link console_browser of POST /v1/consoles',
      ]);
    }
  });

  it('by VNC with a Nova that has SPICE alone says what it says', async () => {
    const v1 = await start({}, PAGES);
    const body = { instance_uuid: v1.cloud.server().id, type: 'novnc' };
    const answer = await post(v1, v1.cloud.user(), body, 'application/json', VNC);
    expect([answer.status, detail(answer)]).toEqual([
      400,
      expect.stringContaining('Unavailable console type novnc.'),
    ]);
    const file = await post(v1, v1.cloud.user(), body, 'application/x-virt-viewer', VNC);
    expect(file.status).toBe(400);
  });

  it('by VNC is no file', async () => {
    const v1 = await start({ vnc: true }, PAGES);
    const body = { instance_uuid: v1.cloud.server().id, type: 'novnc' };
    const answer = await post(v1, v1.cloud.user(), body, 'application/x-virt-viewer', VNC);
    expect([answer.status, detail(answer)]).toEqual([409, expect.stringContaining('speaks VNC')]);
  });

  it('is refused for the instance of another project, as if there were none', async () => {
    const v1 = await start();
    const server = v1.cloud.server();
    const other = v1.cloud.user(['member'], v1.cloud.keystone.directory.addProject('other'));
    // On record already, from its owner's call: that opens nothing either.
    expect((await post(v1, v1.cloud.user(), { instance_uuid: server.id })).status).toBe(201);
    for (const uuid of [server.id, '00000000-0000-4000-8000-000000000009']) {
      const answer = await post(v1, other, { instance_uuid: uuid });
      expect([answer.status, detail(answer)]).toEqual([404, 'instance not found']);
    }
  });

  it('is refused for a reader, without asking Nova', async () => {
    const v1 = await start();
    const server = v1.cloud.server();
    expect((await post(v1, v1.cloud.user(['reader']), { instance_uuid: server.id })).status).toBe(403);
    expect(await new Consoles(v1.site.db).find('cloud', server.id)).toBeNull();
  });

  it.each(['SHUTOFF', 'BUILD'])('is a conflict for an instance that is %s', async (status) => {
    const v1 = await start();
    const server = v1.cloud.server({ status });
    expect((await post(v1, v1.cloud.user(), { instance_uuid: server.id })).status).toBe(409);
  });

  it('is 503 while Nova is away', async () => {
    const v1 = await start();
    const server = v1.cloud.server();
    await v1.cloud.nova.close();
    expect((await post(v1, v1.cloud.user(), { instance_uuid: server.id })).status).toBe(503);
  });

  it.each([
    [{}, 400],
    [{ instance_uuid: 'x' }, 400],
    [{ instance_uuid: '00000000-0000-4000-8000-000000000001', type: 'novnc' }, 400],
    [{ instance_uuid: '00000000-0000-4000-8000-000000000001', token: 'x' }, 400],
    [{ instance_uuid: '00000000-0000-4000-8000-000000000001', source: 'nowhere' }, 404],
  ])('with %j is %s', async (body, status) => {
    const v1 = await start();
    expect((await post(v1, v1.cloud.user(), body)).status).toBe(status);
  });

  it('finds the source that has the instance, and one that is away does not matter', async () => {
    const v1 = await start();
    const server = v1.cloud.server();
    const second = await Cloud.start();
    open.push(second);
    await new Sources(v1.site.db).upsert(second.definition('a-second'));
    await new Sources(v1.site.db).upsert({ ...second.definition('b-away'), url: 'http://127.0.0.1:9/v3' });
    const answer = await post(v1, v1.cloud.user(), { instance_uuid: server.id });
    expect(answer.json).toMatchObject({ console: { source: 'cloud' } });
  });

  it('opens what Kerbside knows already for a login of its own', async () => {
    const v1 = await start();
    const { site } = v1;
    await new Sources(site.db).upsert({ name: 'lab', type: 'static' });
    await new Consoles(site.db).reconcile('lab', [aConsole()]);
    const call = (uuid: string): Promise<Answer> =>
      site.call('POST', '/v1/consoles', { token: site.operator, body: { instance_uuid: uuid } });
    expect((await call(aConsole().uuid)).status).toBe(201);
    expect((await call(v1.cloud.server().id)).status).toBe(404);
  });
});
