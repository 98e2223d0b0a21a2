// SPDX-License-Identifier: Apache-2.0
// The requests of the reference, in the order of a story: log in, look around, open a desktop, end it; then the same by the
// OpenStack API and by the openstack command.
import { join } from 'node:path';
import { CONSOLE, SOURCE } from '../fixtures/lab.js';
import { openStackPlugin } from '../fixtures/openstack-plugin.js';
import { startViewer } from '../fixtures/x11.js';
import { ALICE, CLOUD, type Scene } from './scene.js';
import { Transcript } from './transcript.js';

const AS_ALICE = '-H "Authorization: Bearer $TOKEN"';
const AS_KEYSTONE = '-H "X-Auth-Token: $KEYSTONE_TOKEN"';
const NEWEST = "-H 'OpenStack-API-Version: console latest'";

/** Runs all of them, one file each, into a folder. */
export async function showRequests(scene: Scene, folder: string): Promise<void> {
  const { lab, cloud } = scene;
  const env: NodeJS.ProcessEnv = {
    PATH: process.env['PATH'],
    HOME: scene.dir,
    NO_PROXY: '*',
    KERBSIDE: lab.kerbside.apiUrl,
    PYTHONPATH: await openStackPlugin(join(scene.dir, 'plugin')),
    OS_AUTH_URL: cloud.keystone.url,
    OS_IDENTITY_API_VERSION: '3',
    OS_USERNAME: ALICE.name,
    OS_PASSWORD: ALICE.password,
    OS_PROJECT_NAME: scene.project.name,
    OS_USER_DOMAIN_NAME: 'Default',
    OS_PROJECT_DOMAIN_NAME: 'Default',
    OS_REGION_NAME: cloud.keystone.region,
  };
  const transcript = new Transcript(folder, env, names(scene));
  env['TOKEN'] = await logIn(transcript);
  env['KEYSTONE_TOKEN'] = scene.keystoneToken;
  await rest(scene, transcript);
  await v1(scene, transcript);
}

/** Addresses of this machine, and what a site has in their place. */
function names({ lab, cloud, html5Port }: Scene): Map<string, string> {
  const { ports, apiUrl } = lab.kerbside;
  return new Map([
    [apiUrl, 'https://kerbside.example.com:13002'],
    [new URL(cloud.keystone.url).origin, 'https://keystone.example.com:5000'],
    [`127.0.0.1:${html5Port}`, 'kerbside.example.com:6082'],
    [lab.guest.address, '192.0.2.11'],
    ['host=127.0.0.1', 'host=kerbside.example.com'],
    ['"host": "127.0.0.1"', '"host": "kerbside.example.com"'],
    ['127.0.0.1', '198.51.100.20'],
    [`${ports.secure}`, '5900'],
    [`${lab.guest.port ?? 0}`, '5901'],
    [lab.dir, '/etc/kerbside'],
  ]);
}

async function logIn(transcript: Transcript): Promise<string> {
  const body = `'{"username": "${ALICE.name}", "password": "${ALICE.password}"}'`;
  const answer = await transcript.show('auth', `curl -sS "$KERBSIDE/auth" -d ${body}`);
  return (JSON.parse(answer) as { access_token: string }).access_token;
}

async function rest(scene: Scene, transcript: Transcript): Promise<void> {
  const { lab, cloud } = scene;
  const console = `$KERBSIDE/console/${SOURCE}/${CONSOLE}`;
  const get = (name: string, path: string): Promise<string> =>
    transcript.show(name, `curl -sS "${path}" ${AS_ALICE}`);
  await transcript.show('healthcheck', 'curl -sS "$KERBSIDE/healthcheck"');
  await get('source', `$KERBSIDE/source/${SOURCE}`);
  await get('source-absent', '$KERBSIDE/source/nowhere');
  await transcript.show(
    'console-file',
    `curl -sS "$KERBSIDE/console/proxy/${SOURCE}/${CONSOLE}/console.vv" ${AS_ALICE}`,
  );
  await get('console-file-direct', `$KERBSIDE/console/direct/${SOURCE}/${CONSOLE}/console.vv`);
  const { token } = cloud.nova.issue(scene.server);
  await transcript.show('nova', `curl -sS "$KERBSIDE/nova?token=${token}"`);
  const vv = await scene.vv();
  const viewer = await startViewer(scene.x, vv.text, join(scene.dir, 'requests'));
  try {
    await viewer.sees();
    await get('console', console);
    await get('session', '$KERBSIDE/session');
    await v1Running(transcript, lab.kerbside.sessionId(vv));
    const session = lab.kerbside.sessionId(vv);
    await transcript.show(
      'session-terminate',
      `curl -sS -X POST "$KERBSIDE/session/${session}/terminate" ${AS_ALICE}`,
    );
  } finally {
    await viewer.stop();
  }
  await get('console-audit', `${console}/audit?limit=3`);
  await transcript.show('console-terminate', `curl -sS -X POST "${console}/terminate" ${AS_ALICE}`);
}

/** What is seen only while a desktop is open. */
async function v1Running(transcript: Transcript, session: string): Promise<void> {
  await transcript.show('v1-session', `curl -sS "$KERBSIDE/v1/sessions/${session}" ${AS_KEYSTONE}`);
  await transcript.show(
    'v1-connections',
    `curl -sS "$KERBSIDE/v1/connections?session_id=${session}&limit=1" ${AS_KEYSTONE}`,
  );
  await openstack(transcript, 'openstack-session-list', 'console session list');
  await openstack(transcript, 'openstack-session-show', `console session show ${session} -f json`);
}

async function v1(scene: Scene, transcript: Transcript): Promise<void> {
  const get = (name: string, path: string): Promise<string> =>
    transcript.show(name, `curl -sS "$KERBSIDE/v1${path}" ${AS_KEYSTONE} ${NEWEST}`);
  await transcript.show('v1-versions', 'curl -sS "$KERBSIDE/v1/"');
  const opened = await transcript.show(
    'v1-open',
    `curl -sS "$KERBSIDE/v1/consoles" ${AS_KEYSTONE} -d '{"instance_uuid": "${scene.server.id}"}'`,
  );
  const { console } = JSON.parse(opened) as {
    console: { session_id: string; links: { rel: string; href: string }[] };
  };
  const file = console.links.find(({ rel }) => rel === 'console_file')?.href ?? '';
  await transcript.show('v1-console-file', `curl -sS "${file}"`);
  await get('v1-consoles', `/consoles?source=${CLOUD}`);
  await get('v1-console', `/consoles/${CLOUD}/${scene.server.id}`);
  await get('v1-source', `/sources/${CLOUD}`);
  await get('v1-audit-events', `/audit-events?source=${CLOUD}&limit=1`);
  await get('v1-services', '/services?binary=kerbside');
  const status = `-X DELETE -w '%{http_code}\\n'`;
  await transcript.show(
    'v1-session-end',
    `curl -sS ${status} "$KERBSIDE/v1/sessions/${console.session_id}" ${AS_KEYSTONE}`,
  );
  await transcript.show(
    'v1-console-end',
    `curl -sS ${status} "$KERBSIDE/v1/consoles/${CLOUD}/${scene.server.id}" ${AS_KEYSTONE}`,
  );
  await get('v1-absent', '/consoles/RegionOne/00000000-0000-4000-8000-000000000000');
  await openstack(transcript, 'openstack-desktop-open', `console desktop open ${scene.server.id} --save -`);
  await openstack(
    transcript,
    'openstack-source-list',
    'console source list -c Name -c Type -c Errored -c "Last Seen At"',
  );
  await openstack(transcript, 'openstack-audit-list', 'console audit list --limit 3');
  await openstack(transcript, 'openstack-service-list', 'console service list --os-kerbside-api-version 1.1');
}

/** The command of this machine, with the plugin of this repository. */
async function openstack(transcript: Transcript, name: string, words: string): Promise<void> {
  await transcript.show(name, `openstack ${words}`);
}
