// SPDX-License-Identifier: Apache-2.0
// The firewall in a real proxy, between clients and hypervisors that break the rules: what ends, what goes on, what is
// recorded; and what a source and a console say for themselves.
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { CLIENT_MESSAGE, SERVER_MESSAGE } from '../../../src/console/spice/message-types.js';
import { HYPERVISOR, Site } from '../../fixtures/kerbside.js';

const { KEY_SCANCODE, MOUSE_MOTION } = CLIENT_MESSAGE.inputs;
const { AGENT_DATA } = CLIENT_MESSAGE.main;
const UNKNOWN = 200;
const VERDICTS = 'Firewall verdicts this connection: ';
const KEY = Buffer.from('1e9e', 'hex');
const HALF_KEY = Buffer.from('1ee0', 'hex');

let site: Site;

beforeAll(async () => {
  site = await Site.start();
});
afterEach(() => site.tidy());
afterAll(() => site.stop());

/** The header of an agent message whose data has not come. */
function agentHeader(type: number, size: number): Buffer {
  const bytes = Buffer.alloc(20);
  bytes.writeUInt32LE(1, 0);
  bytes.writeUInt32LE(type, 4);
  bytes.writeUInt32LE(size, 16);
  return bytes;
}

function verdicts(channel: string, direction: string, rule: string, action: string): string {
  return `kerbside_proxy_firewall_verdicts_total{channel="${channel}",direction="${direction}",rule="${rule}",action="${action}"}`;
}

describe('a message that breaks a rule', () => {
  it('ends its channel and no other one, with the rule in audit and metric', async () => {
    const counted = verdicts('inputs', 'client_to_server', 'key_scancode', 'enforced');
    const before = await site.metric(counted);
    const desk = await site.desk();
    const client = await site.client(desk.uuid);
    const main = await client.openMain();
    const display = await client.open('display');
    const inputs = await client.open('inputs');
    const server = await desk.server.channel('inputs');
    inputs.send(KEY_SCANCODE, KEY);
    await server.waitFor(KEY_SCANCODE);

    inputs.send(KEY_SCANCODE, HALF_KEY);
    await inputs.closed;
    await site.audited(desk.uuid, `${VERDICTS}key_scancode (enforced=1, observed=0)`);
    await site.audited(desk.uuid, 'Channel closed: client broke the protocol');
    await site.metricAtLeast(counted, before + 1);
    expect(server.bodies(KEY_SCANCODE)).toEqual([KEY]);

    (await desk.server.channel('main')).send(SERVER_MESSAGE.main.MULTI_MEDIA_TIME, Buffer.alloc(4));
    await main.waitFor(SERVER_MESSAGE.main.MULTI_MEDIA_TIME);
    (await desk.server.channel('display')).send(SERVER_MESSAGE.display.MARK, Buffer.alloc(0));
    await display.waitFor(SERVER_MESSAGE.display.MARK);
  });

  it('is kept from the client when a guest sends it', async () => {
    const desk = await site.desk();
    const client = await site.client(desk.uuid);
    const main = await client.openMain();
    const server = await desk.server.channel('main');
    server.send(SERVER_MESSAGE.main.AGENT_DATA, agentHeader(4, 0xffffffff));
    await main.closed;
    expect(main.bodies(SERVER_MESSAGE.main.AGENT_DATA)).toEqual([]);
    await site.audited(desk.uuid, `${VERDICTS}agent_size (enforced=1, observed=0)`);
    await site.audited(desk.uuid, 'Channel closed: backend broke the protocol');
  });

  it('is kept from the hypervisor in the middle of a stream of good ones', async () => {
    const desk = await site.desk();
    const client = await site.client(desk.uuid);
    const main = await client.openMain();
    const server = await desk.server.channel('main');
    main.send(AGENT_DATA, Buffer.concat([agentHeader(4, 3000), Buffer.alloc(2028)]));
    main.send(AGENT_DATA, Buffer.alloc(973));
    await main.closed;
    await site.audited(desk.uuid, `${VERDICTS}agent_chunk (enforced=1, observed=0)`);
    expect(server.bodies(AGENT_DATA).every(({ length }) => length === 2048)).toBe(true);
  });
});

describe('a console of its own mind', () => {
  it('may only have broken rules recorded', async () => {
    const desk = await site.desk({}, { firewall: { mode: 'warn' } });
    const client = await site.client(desk.uuid);
    await client.openMain();
    const inputs = await client.open('inputs');
    inputs.send(UNKNOWN, Buffer.alloc(4));
    inputs.send(KEY_SCANCODE, HALF_KEY);
    inputs.send(KEY_SCANCODE, KEY);
    await (await desk.server.channel('inputs')).waitFor(KEY_SCANCODE, 2);
    await client.close();
    const text = await site.audited(desk.uuid, VERDICTS);
    expect(text).toContain('disallowed_type (enforced=0, observed=1)');
    expect(text).toContain('key_scancode (enforced=0, observed=1)');
  });

  it('may be looked at by nobody', async () => {
    const desk = await site.desk({}, { firewall: { mode: 'off' } });
    const client = await site.client(desk.uuid);
    await client.openMain();
    const inputs = await client.open('inputs');
    inputs.send(UNKNOWN, Buffer.alloc(4));
    await (await desk.server.channel('inputs')).waitFor(UNKNOWN);
    await client.close();
    await site.audited(desk.uuid, 'Channel closed: ');
    expect((await desk.audit()).filter((message) => message.startsWith(VERDICTS))).toEqual([]);
  });

  it('may have fewer channels', async () => {
    const desk = await site.desk({}, { firewall: { permitted_channels: ['main', 'inputs'] } });
    const client = await site.client(desk.uuid);
    await client.openMain();
    await client.open('inputs');
    expect((await client.link('display')).linked).toBe(false);
    await site.audited(desk.uuid, 'Channel type not permitted by firewall policy');
  });

  it('may have rates', async () => {
    const rates = ['inputs.client_to_server.messages=1:5'];
    const desk = await site.desk({}, { firewall: { rates } });
    const client = await site.client(desk.uuid);
    await client.openMain();
    const inputs = await client.open('inputs');
    const server = await desk.server.channel('inputs');
    for (let sent = 0; sent < 5; sent += 1) inputs.send(MOUSE_MOTION, Buffer.alloc(10));
    await server.waitFor(MOUSE_MOTION, 5);
    for (let sent = 0; sent < 500; sent += 1) inputs.send(MOUSE_MOTION, Buffer.alloc(10));
    await inputs.closed;
    await site.audited(desk.uuid, `${VERDICTS}rate_cap (enforced=1, observed=0)`);
  });

  it('goes by what its source says where it says nothing itself', async () => {
    const server = await site.hypervisor();
    const console = (firewall?: { mode: string }) => ({
      ...{ uuid: randomUUID(), name: 'desktop', hypervisor: HYPERVISOR, hypervisor_ip: '127.0.0.1' },
      ...{ insecure_port: server.plainPort, ticket: 's3cret' },
      ...(firewall === undefined ? {} : { firewall }),
    });
    const lenient = console();
    const strict = console({ mode: 'enforce' });
    await site.source({
      ...{ source: 'lenient', type: 'static', firewall: { mode: 'warn' }, consoles: [lenient, strict] },
    });
    for (const [{ uuid }, passes] of [
      [lenient, true],
      [strict, false],
    ] as const) {
      const client = await site.client(uuid, {}, await site.kerbside.vv('lenient', uuid));
      await client.openMain();
      const inputs = await client.open('inputs');
      inputs.send(UNKNOWN, Buffer.alloc(4));
      if (passes) await (await server.channel('inputs')).waitFor(UNKNOWN);
      else await inputs.closed;
      expect(inputs.closeReason === null).toBe(passes);
      await client.close();
    }
  });
});
