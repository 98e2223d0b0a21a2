// SPDX-License-Identifier: Apache-2.0
// A stop with a session under way: the first SIGTERM lets it run for [proxy] drain_timeout and takes nothing new, a
// second one ends it at once; status 0 both times. A signal to the whole process group, as Ctrl-C sends it, is one stop.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SERVER_MESSAGE } from '../../../src/console/spice/message-types.js';
import { mintToken } from '../../../src/identity/jwt.js';
import { waitFor } from '../../fixtures/program.js';
import type { Program } from '../../fixtures/program.js';
import { SpiceClient } from '../../fixtures/spice-client.js';
import type { ClientChannel } from '../../fixtures/spice-client.js';
import { SpiceServer } from '../../fixtures/spice-server.js';
import { apiPort, Site } from './site.js';

const TIME = SERVER_MESSAGE.main.MULTI_MEDIA_TIME;
/** Seconds; a test gives up long before. */
const LONG = 86_400;
const UUID = '11111111-2222-3333-4444-555555555555';

const site = new Site();
let guest: SpiceServer;
beforeAll(async () => {
  guest = await SpiceServer.start();
  const entry = [
    '- source: lab',
    '  type: static',
    '  consoles:',
    `    - {uuid: ${UUID}, name: desk, hypervisor: localhost, hypervisor_ip: 127.0.0.1,`,
    `       insecure_port: ${guest.plainPort}, ticket: s3cret}`,
  ];
  writeFileSync(join(site.folder, 'sources.yaml'), `${entry.join('\n')}\n`);
});
afterAll(async () => {
  await site.close();
  await guest.close();
});

interface Running {
  readonly program: Program;
  readonly api: string;
  readonly main: ClientChannel;
  readonly link: () => Promise<ClientChannel>;
}

/** Starts Kerbside and a session through it. */
async function startSession(drainTimeout: number): Promise<Running> {
  const program = await site.start('kerbside', { env: { OS_PROXY__DRAIN_TIMEOUT: String(drainTimeout) } });
  const api = `http://127.0.0.1:${apiPort(program)}`;
  const token = await mintToken({ user: 'test', admin: true }, { seed: site.seed, issuer: 'test', ttl: 600 });
  const headers = { accept: '*/*', authorization: `Bearer ${token.token}` };
  const answer = await fetch(`${api}/console/proxy/lab/${UUID}/console.vv`, { headers });
  const password = /^password=(.*)$/m.exec(await answer.text())?.[1] ?? '';
  const port = Number(/ secure SPICE listener bound .*?port=(\d+)/.exec(program.output())?.[1]);
  const ca = readFileSync(join(site.folder, 'site-ca.pem'), 'utf8');
  const client = new SpiceClient({ port, tls: { ca }, password });
  const main = await client.openMain();
  return { program, api, main, link: () => client.link('display') };
}

/** A message of the guest still comes through. */
async function lives(main: ClientChannel): Promise<void> {
  const before = main.bodies(TIME).length;
  (await guest.channel('main')).send(TIME, Buffer.alloc(4));
  await waitFor('a message of the guest', () => main.bodies(TIME).length > before);
}

async function health(api: string): Promise<number> {
  return (await fetch(`${api}/healthcheck`)).status;
}

describe('a stop with a session', () => {
  it('waits for drain_timeout, answers 503, takes nothing new, then ends the session', async () => {
    const { program, api, main, link } = await startSession(4);
    expect(await health(api)).toBe(200);
    const begun = Date.now();
    program.child.kill('SIGTERM');
    await waitFor('503', async () => (await health(api)) === 503);
    expect((await link()).linked).toBe(false);
    await lives(main);
    await waitFor('end', () => program.ended() !== null);
    expect(program.ended()).toBe(0);
    expect(Date.now() - begun).toBeGreaterThan(3900);
    await main.closed;
  });

  it('is over as soon as the last session is', async () => {
    const { program, main } = await startSession(LONG);
    program.child.kill('SIGTERM');
    await waitFor('draining', () => program.output().includes('stop requested'));
    await main.close();
    await waitFor('end', () => program.ended() !== null);
    expect(program.ended()).toBe(0);
  });

  it('is over at once with a second SIGTERM', async () => {
    const { program, api, main } = await startSession(LONG);
    program.child.kill('SIGTERM');
    await waitFor('503', async () => (await health(api)) === 503);
    program.child.kill('SIGTERM');
    await waitFor('end', () => program.ended() !== null);
    expect(program.ended()).toBe(0);
    await main.closed;
  });

  it('drains as well when the whole process group gets the signal', async () => {
    const { program, api, main } = await startSession(LONG);
    process.kill(-program.pid, 'SIGINT');
    await waitFor('503', async () => (await health(api)) === 503);
    await lives(main);
    await main.close();
    await waitFor('end', () => program.ended() !== null);
    expect(program.ended()).toBe(0);
  });
});
