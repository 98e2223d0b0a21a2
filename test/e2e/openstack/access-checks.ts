// SPDX-License-Identifier: Apache-2.0
// Who gets a console and who does not: the broker call as the user, another project's user at every door, and tokens
// that are wrong, revoked or absurd.
import { randomUUID } from 'node:crypto';
import { waitFor } from '../../fixtures/program.js';
import { parseVvFile } from '../../fixtures/vv-file.js';
import { type Check, type CheckContext, directHash, expectStatus } from './check.js';
import { SOURCE } from './site.js';

/** In the order that they run. */
export const ACCESS_CHECKS: readonly Check[] = [
  { claim: 'POST /v1/consoles as the owner gives a console', prove: broker },
  { claim: 'a user of another project is refused at every door', prove: stranger },
  { claim: 'tokens of Keystone that are wrong or revoked are refused', prove: badKeystoneTokens },
  { claim: 'console tokens that are unknown, malformed or huge are refused', prove: badConsoleTokens },
  { claim: 'POST /auth lets members of the access group in, and nobody else', prove: groupLogin },
];

type Door = [method: string, path: string, body?: unknown];

/** Keystone's revocation counts at the latest after revocation_cache_time. */
const REVOKED_MS = 20_000;

async function broker(context: CheckContext): Promise<string> {
  const { cloud, door, demo, guest } = context;
  const own = await directHash(context, guest);
  for (const type of ['spice-direct', 'spice-html5', undefined]) {
    const answer = await door.broker(demo, guest.id, type);
    expectStatus(`POST /v1/consoles ${type ?? ''}`, answer, 200, 201);
    context.evidence(
      `POST /v1/consoles ${type ?? '(no type)'} as demo\n${answer.status} ${withoutSecrets(answer.body)}`,
    );
  }
  const file = await fetch(`${door.kerbside.apiUrl}/v1/consoles`, {
    method: 'POST',
    headers: {
      'x-auth-token': demo.token,
      'content-type': 'application/json',
      accept: 'application/x-virt-viewer',
    },
    body: JSON.stringify({ instance_uuid: guest.id }),
  });
  const text = await file.text();
  if (!file.ok)
    throw new Error(`Accept: application/x-virt-viewer answers ${file.status} ${text.slice(0, 200)}`);
  const { hash } = await door.picture(parseVvFile(text));
  if (hash !== own) throw new Error(`the file shows ${hash ?? 'nothing'}, not ${own}`);
  const list = await door.as(demo, 'GET', '/v1/consoles');
  expectStatus('GET /v1/consoles', list, 200);
  if (!list.body.includes(guest.id)) throw new Error('the owner does not see it in GET /v1/consoles');
  await cloud.resolve(context.admin, await cloud.consoleUrl(demo, guest, 'spice-direct'));
  return 'JSON for both types, the file shows the guest, and the owner sees the console';
}

async function stranger(context: CheckContext): Promise<string> {
  const { cloud, door, demo, stranger: other, guest } = context;
  const opened = await door.broker(demo, guest.id);
  expectStatus('the owner', opened, 200, 201);
  const session = (JSON.parse(opened.body) as { console: { session_id: string } }).console.session_id;
  const body = { remote_console: { protocol: 'spice', type: 'spice-direct' } };
  const nova = await cloud.call(other, 'POST', `/servers/${guest.id}/remote-consoles`, body);
  if (nova.status !== 404) throw new Error(`Nova itself answers ${nova.status}`);
  // The same doors open for the owner: they are not just locked to everybody.
  const doors = doorsOf(guest.id, session);
  for (const path of doors.owners)
    expectStatus(`GET ${path} for the owner`, await door.as(demo, 'GET', path), 200);
  // Nobody learns that it exists: what does not exist is answered alike.
  const nothing = doorsOf('00000000-0000-4000-8000-000000000000', 'x'.repeat(session.length)).all;
  for (const [index, [method, path, content]] of doors.all.entries()) {
    const answer = await door.as(other, method, path, content);
    expectStatus(`${method} ${path}`, answer, 403, 404);
    const [, absent, absentContent] = nothing[index]!;
    const alike = await door.as(other, method, absent, absentContent);
    if (alike.status !== answer.status) {
      throw new Error(`${method} ${path} answers ${answer.status}, for what does not exist ${alike.status}`);
    }
  }
  const lists = [
    '/v1/consoles',
    '/v1/sessions',
    '/v1/connections',
    '/v1/audit-events',
    '/console',
    '/session',
  ];
  for (const path of lists) {
    const list = await door.as(other, 'GET', path);
    if (list.body.includes(guest.id)) throw new Error(`GET ${path} names the guest`);
    expectStatus(`GET ${path}`, list, 200, 403);
  }
  const left = await door.as(demo, 'GET', `/v1/sessions/${session}`);
  if (!left.body.includes(session)) throw new Error('the session of the owner is gone');
  return `${doors.all.length} doors answer as if it did not exist, ${lists.length} lists are without it`;
}

function doorsOf(instance: string, session: string): { owners: string[]; all: Door[] } {
  const place = `${SOURCE}/${instance}`;
  const owners = [
    `/v1/consoles/${place}`,
    `/v1/sessions/${session}`,
    `/console/${place}`,
    `/console/proxy/${place}/console.vv`,
  ];
  const all: Door[] = [
    ...owners.map((path): Door => ['GET', path]),
    ['POST', '/v1/consoles', { instance_uuid: instance }],
    ['POST', '/v1/consoles', { instance_uuid: instance, type: 'spice-html5', source: SOURCE }],
    ['DELETE', `/v1/consoles/${place}`],
    ['DELETE', `/v1/sessions/${session}`],
    ['GET', `/v1/sessions/${session}/console.vv?key=${'x'.repeat(48)}`],
    ['GET', `/console/direct/${place}/console.vv`],
    ['GET', `/console/${place}/audit`],
    ['POST', `/console/${place}/terminate`],
    ['POST', `/session/${session}/terminate`],
  ];
  return { owners, all };
}

async function badKeystoneTokens({ cloud, door, admin, guest }: CheckContext): Promise<string> {
  const call = (token: string) => door.as(token, 'POST', '/v1/consoles', { instance_uuid: guest.id });
  const nonsense = await call('gAAAAABnonsense');
  expectStatus('a made-up token', nonsense, 401);
  if (!/www-authenticate: Keystone uri=/i.test(nonsense.headers))
    throw new Error('401 without WWW-Authenticate');
  expectStatus('no token', await door.as('', 'POST', '/v1/consoles', { instance_uuid: guest.id }), 401);
  expectStatus('a token of 8000 bytes', await call('x'.repeat(8000)), 401, 431);
  const again = await cloud.login('demo', 'demo');
  expectStatus('a fresh token', await door.as(again, 'GET', '/v1/consoles'), 200);
  await cloud.revoke(admin, again.token);
  const started = Date.now();
  await waitFor(
    'refusal of the revoked token',
    async () => (await door.as(again, 'GET', '/v1/consoles')).status === 401,
    { giveUpMs: REVOKED_MS, everyMs: 250 },
  );
  return `401 each; the revoked one after ${((Date.now() - started) / 1000).toFixed(1)} s`;
}

async function badConsoleTokens({ door }: CheckContext): Promise<string> {
  const cases = {
    unknown: randomUUID(),
    malformed: 'not%20a%20token',
    empty: '',
    'of 12000 bytes': 'x'.repeat(12_000),
  };
  const seen: string[] = [];
  for (const [name, token] of Object.entries(cases)) {
    const answer = await door.follow(`http://any/nova-console.vv?token=${token}`, 'application/json');
    expectStatus(`a token that is ${name}`, answer, 400, 401, 404, 414, 431);
    seen.push(`${name} ${answer.status}`);
  }
  const page = await door.follow(`http://any/nova?token=${randomUUID()}`, 'text/html');
  if (!/content-type: text\/html/i.test(page.headers)) throw new Error('a browser gets no page');
  return `${seen.join(', ')}; browsers get a page`;
}

async function groupLogin({ cloud, door }: CheckContext): Promise<string> {
  const login = async (username: string, password: string, project: string): Promise<number> => {
    const answer = await fetch(`${door.kerbside.apiUrl}/auth`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username, password, project_name: project }),
    });
    return answer.status;
  };
  const results = {
    member: await login('demo', cloud.password, 'demo'),
    administrator: await login('admin', cloud.password, 'admin'),
    stranger: await login('stranger', cloud.password, 'other'),
    'wrong password': await login('demo', 'wrong', 'demo'),
  };
  const text = Object.entries(results)
    .map(([who, status]) => `${who} ${status}`)
    .join(', ');
  if (results.member !== 200 || results.administrator !== 200) throw new Error(text);
  if (results.stranger !== 401 || results['wrong password'] !== 401) throw new Error(text);
  return text;
}

// Sessions, links and tickets are as good as a password.
function withoutSecrets(body: string): string {
  return body
    .replace(/(token=|key=|"(?:password|ticket|token)": ?")[^"&]+/g, '$1********')
    .replace(/-----BEGIN[^"]+/g, '(certificate)');
}
