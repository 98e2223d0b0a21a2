// SPDX-License-Identifier: Apache-2.0
// Behind TCP load balancers: whose connection it is says the header of the PROXY protocol, and only the one of a balancer
// that the configuration names. 127.0.0.2 and 127.0.0.3 are balancers here, 127.0.0.1 is a stranger.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { encodeLinkMess } from '../../../src/console/spice/link-message.js';
import { Site, type Desk } from '../../fixtures/kerbside.js';
import { delay, freePort, startProgram, waitFor, type Program } from '../../fixtures/program.js';
import { MAPPED_BLOCK, TCP6_BLOCK, UNIX_BLOCK, v1, v2 } from '../../fixtures/proxy-protocol.js';
import {
  connectSocket,
  linkChannel,
  type SpiceClientOptions,
  untilClosed,
} from '../../fixtures/spice-client.js';

const BALANCER = '127.0.0.2';
const MESS = { connectionId: 0, channelType: 1, channelId: 0, commonCaps: [0xd], channelCaps: [0xf] };
/** What the log says of a check: it may have been reset before it was accepted. */
const CHECKED = /health check of a load balancer|connection was gone before/g;
const LOCAL = v2({ command: 0x20, family: 0, addresses: '' });

let site: Site;
let desk: Desk;

beforeAll(async () => {
  site = await Site.start({
    OS_DEFAULT__DEBUG: 'true',
    OS_PROXY__PROXY_PROTOCOL_FROM: '127.0.0.2/31',
    OS_PROXY__MAX_HALF_OPEN_PER_ADDRESS: '4',
    OS_PROXY__MAX_CONNECTIONS_PER_ADDRESS: '4',
  });
});
afterEach(() => site.tidy());
afterAll(() => site.stop());

/** A header of version 1 for a client with this address. */
function from(address: string): Buffer {
  return v1(`TCP4 ${address} 192.0.2.1 40000 5900`);
}

/** How a client behind the balancer connects. */
function behind(header: Buffer, splitAt?: number): SpiceClientOptions {
  const opening = splitAt === undefined ? { header } : { header, splitAt };
  return { ...site.clientOptions(), localAddress: BALANCER, opening };
}

/** A plain socket from the balancer's address. */
function bare(port = site.kerbside.ports.secure): Promise<Socket> {
  return connectSocket({ port, localAddress: BALANCER });
}

/** Address and port of the open channels of a session, as the REST service tells. */
async function clientOf(session: string): Promise<unknown[]> {
  const { body } = await site.kerbside.api('GET', '/session');
  const sessions = JSON.parse(body) as Record<
    string,
    { channels: { client_ip: string; client_port: number }[] }
  >;
  return (sessions[session]?.channels ?? []).map(({ client_ip, client_port }) => [client_ip, client_port]);
}

/** Connections refused so far, whatever the reason. */
async function refusals(): Promise<number> {
  const text = await site.kerbside.metrics();
  const lines = [...text.matchAll(/^kerbside_proxy_refused_total\{.*\} (\d+)$/gm)];
  return lines.reduce((sum, [, count]) => sum + Number(count), 0);
}

describe('a client behind a balancer', () => {
  it.each([
    ['version 1, IPv4', v1(), '203.0.113.7'],
    ['version 1, IPv6', v1('TCP6 2001:db8:1:2::7 2001:db8::1 40000 5900'), '2001:db8:1:2::7'],
    ['version 2, IPv4', v2(), '203.0.113.7'],
    ['version 2, IPv6', v2({ family: 0x21, addresses: TCP6_BLOCK }), '2001:db8:1:2::7'],
    ['version 2, IPv4 in IPv6', v2({ family: 0x21, addresses: MAPPED_BLOCK }), '203.0.113.7'],
    ['version 2, with TLVs', v2({ tlvs: '030004fd16cd1d02000b6578616d706c652e6f7267' }), '203.0.113.7'],
  ])('is known by its own address in sessions and log: %s', async (_what, header, address) => {
    desk = await site.desk();
    const client = await site.client(desk.uuid, behind(header));
    await client.openMain();
    await client.open('display');
    expect(await clientOf(client.session)).toEqual([
      [address, 40_000],
      [address, 40_000],
    ]);
    await client.close();
    const closed = await waitFor('two closed channels', async () => {
      const lines = (await site.logged(`session=${client.session}`)).filter((line) =>
        line.includes('connection closed'),
      );
      return lines.length === 2 ? lines : null;
    });
    for (const line of closed) expect(line).toContain(`client=${address} `);
  });

  it.each([
    ['version 1, UNKNOWN', v1('UNKNOWN')],
    ['version 1, UNKNOWN with addresses', v1('UNKNOWN ::1 ::1 1 2')],
    ['version 2, LOCAL', LOCAL],
    ['version 2, LOCAL with addresses', v2({ command: 0x20 })],
    ['version 2, UNIX', v2({ family: 0x31, addresses: UNIX_BLOCK })],
  ])('without an address counts as the balancer: %s', async (_what, header) => {
    desk = await site.desk();
    const client = await site.client(desk.uuid, behind(header));
    await client.openMain();
    expect(await clientOf(client.session)).toMatchObject([[BALANCER, expect.any(Number)]]);
  });

  it.each([
    ['version 1', v1()],
    ['version 2', v2({ tlvs: '04000100' })],
  ])(
    'gets its TLS wherever header and first bytes are split: %s',
    async (_what, header) => {
      const password = 'x'.repeat(48);
      // The header, and as many bytes of TLS's first record behind it; then in steps, to the end of it.
      const offsets = [
        ...Array.from({ length: header.length + 12 }, (_, index) => index + 1),
        ...Array.from({ length: 20 }, (_, index) => header.length + 20 + index * 15),
      ];
      for (const splitAt of offsets) {
        const channel = await linkChannel({ ...behind(header, splitAt), password });
        expect([splitAt, channel.outcome]).toEqual([splitAt, { type: 'result', code: 7 }]);
        await channel.close();
      }
    },
    30_000,
  );

  it('gets its TLS when header and first bytes come in one segment', async () => {
    desk = await site.desk();
    const client = await site.client(desk.uuid, behind(v2()));
    await client.openMain();
  });

  it('is served when everything comes byte by byte', async () => {
    desk = await site.desk();
    const socket = await bare(site.kerbside.ports.insecure);
    const answer = untilClosed(socket);
    for (const byte of Buffer.concat([v2(), encodeLinkMess(MESS)])) {
      socket.write(Buffer.from([byte]));
      await delay(2);
    }
    expect((await answer).bytes.readUInt32LE(16)).toBe(5);
    const client = await site.client(desk.uuid, { ...behind(v1(), 7), byteDelayMs: 1 });
    await client.openMain();
  });

  it('is told on the plain port to come back with TLS', async () => {
    for (const opening of [{ header: v1() }, { header: v2() }]) {
      const channel = await linkChannel({
        port: site.kerbside.ports.insecure,
        ...{ localAddress: BALANCER, opening },
      });
      expect(channel.outcome).toEqual({ type: 'reply_error', code: 5 });
    }
    const together = await bare(site.kerbside.ports.insecure);
    together.write(Buffer.concat([v2(), encodeLinkMess(MESS)]));
    const { bytes } = await untilClosed(together);
    expect(bytes.readUInt32LE(16)).toBe(5);
    expect((await site.logged('plain connection answered')).at(-1)).toContain('client=203.0.113.7');
  });
});

describe('limits', () => {
  it('of half-open connections hold for each client, not for the balancer', async () => {
    const before = await site.metric('kerbside_proxy_refused_total{reason="limit_half_open"}');
    const sockets = await Promise.all(Array.from({ length: 12 }, () => bare()));
    sockets.forEach((socket, index) =>
      socket.write(index < 6 ? from('198.51.100.1') : from(`198.51.100.${index}`)),
    );
    await site.metricAtLeast('kerbside_proxy_refused_total{reason="limit_half_open"}', before + 2);
    await delay(100);
    expect(await site.metric('kerbside_proxy_refused_total{reason="limit_half_open"}')).toBe(before + 2);
    expect(site.log()).toContain('connection refused client=198.51.100.1 reason=limit_half_open');
    for (const socket of sockets) socket.destroy();
  });

  it('of connections hold for each client, not for the balancer', async () => {
    desk = await site.desk();
    const crowd = await site.client(desk.uuid, behind(from('198.51.100.30')));
    await crowd.openMain();
    for (const name of ['display', 'inputs', 'cursor'] as const) await crowd.open(name);
    const refused = await crowd.link('playback');
    expect(refused.outcome).toEqual({ type: 'reply_error', code: 1 });
    const other = await site.client((await site.desk()).uuid, behind(from('198.51.100.31')));
    await other.openMain();
  });

  it('do not count connections that still wait for their header as half-open ones of the balancer', async () => {
    const silent = await Promise.all(Array.from({ length: 8 }, () => bare()));
    desk = await site.desk();
    const client = await site.client(desk.uuid, behind(LOCAL));
    await client.openMain();
    for (const socket of silent) socket.destroy();
  });
});

describe('a header', () => {
  it('of an address that is no balancer is not read', async () => {
    const stranger = { ...site.clientOptions(), opening: { header: v2() } };
    const before = await site.metric('kerbside_proxy_refused_total{reason="tls"}');
    await expect(connectSocket(stranger)).rejects.toThrow();
    await site.metricAtLeast('kerbside_proxy_refused_total{reason="tls"}', before + 1);
    expect((await site.logged('reason=tls')).at(-1)).toContain('client=127.0.0.1');
    const plain = await linkChannel({ port: site.kerbside.ports.insecure, opening: { header: v1() } });
    expect(plain.outcome).toEqual({ type: 'reply_error', code: 2 });
  });

  it('is not wanted of an address that is no balancer', async () => {
    desk = await site.desk();
    const client = await site.client(desk.uuid);
    await client.openMain();
    expect(await clientOf(client.session)).toMatchObject([['127.0.0.1', expect.any(Number)]]);
  });

  it.each([
    ['none at all', Buffer.from('1603010200010001fc0303', 'hex'), 'no PROXY protocol header'],
    [
      'a wrong family',
      v1('TCP5 1.2.3.4 1.2.3.4 1 2'),
      'version 1: the family is none of TCP4, TCP6, UNKNOWN',
    ],
    ['no end of line', Buffer.from(`PROXY ${'x'.repeat(200)}`), 'version 1: no end of line within 107 bytes'],
    ['a body of 64 KiB', v2({ length: 65_535 }), 'version 2: 65535 bytes are more than 2048'],
    ['UDP', v2({ family: 0x12 }), 'version 2: family 0x12 is no TCP connection'],
  ])('that is bad is refused without an answer, on both ports: %s', async (_what, bytes, detail) => {
    for (const port of [site.kerbside.ports.secure, site.kerbside.ports.insecure]) {
      const before = await site.metric('kerbside_proxy_refused_total{reason="proxy_header"}');
      const socket = await bare(port);
      socket.write(bytes);
      const { bytes: answer } = await untilClosed(socket);
      expect(answer).toHaveLength(0);
      await site.metricAtLeast('kerbside_proxy_refused_total{reason="proxy_header"}', before + 1);
      expect((await site.logged('reason=proxy_header')).at(-1)).toContain(detail);
    }
  });

  it('that does not come in time, or only in part, is refused', async () => {
    const before = await site.metric('kerbside_proxy_refused_total{reason="proxy_header"}');
    const silent = await bare();
    const half = await bare();
    half.write(v2().subarray(0, 20));
    const cut = await bare();
    cut.end(v1().subarray(0, 20));
    const times = await Promise.all([silent, half, cut].map((socket) => untilClosed(socket)));
    expect(times[0]?.took).toBeGreaterThan(1500);
    expect(times[1]?.took).toBeGreaterThan(1500);
    await site.metricAtLeast('kerbside_proxy_refused_total{reason="proxy_header"}', before + 3);
  });
});

describe('a health check of a balancer', () => {
  it.each<[string, (socket: Socket) => void]>([
    ['connects and closes', (socket) => void socket.end()],
    ['connects and resets', (socket) => void socket.resetAndDestroy()],
    ['sends LOCAL and closes', (socket) => void socket.end(LOCAL)],
    ['sends LOCAL and resets', (socket) => void socket.write(LOCAL, () => socket.resetAndDestroy())],
    ['sends UNKNOWN and closes', (socket) => void socket.end(v1('UNKNOWN'))],
    ['names itself and closes', (socket) => void socket.end(from(BALANCER))],
  ])('that %s is no refusal and no line at INFO', async (_what, check) => {
    const before = await refusals();
    const logged = site.log().length;
    for (const port of [site.kerbside.ports.secure, site.kerbside.ports.insecure]) {
      const socket = await bare(port);
      check(socket);
      await untilClosed(socket);
    }
    await waitFor('the health check', () => {
      const checks = site.log().slice(logged).match(CHECKED) ?? [];
      return checks.length >= 1;
    });
    await delay(50);
    expect(await refusals()).toBe(before);
    const lines = site.log().slice(logged).split('\n');
    expect(lines.filter((line) => / (INFO|WARNING|ERROR) kerbside\.console/.test(line))).toEqual([]);
  });

  it('that tries TLS is no refusal and no line at INFO', async () => {
    const before = await refusals();
    const logged = site.log().length;
    const socket = await connectSocket(behind(LOCAL));
    socket.end();
    await untilClosed(socket);
    await waitFor('the health check', () => site.log().slice(logged).match(CHECKED));
    expect(await refusals()).toBe(before);
    expect(site.log().slice(logged)).not.toMatch(/ (INFO|WARNING|ERROR) kerbside\.console/);
  });
});

describe('HAProxy', () => {
  let folder: string;
  let haproxy: Program;
  const ports = { v1: 0, v2: 0, plain: 0 };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kerbside-haproxy-'));
    Object.assign(ports, { v1: await freePort(), v2: await freePort(), plain: await freePort() });
    const { secure, insecure } = site.kerbside.ports;
    const config = join(folder, 'haproxy.cfg');
    writeFileSync(
      config,
      `global
  stats socket ${join(folder, 'admin')} level admin
defaults
  mode tcp
  timeout connect 2s
  timeout client 1m
  timeout server 1m
  default-server source 127.0.0.3 check inter 100ms
listen v1
  bind 127.0.0.1:${ports.v1}
  server kerbside 127.0.0.1:${secure} send-proxy
listen v2
  bind 127.0.0.1:${ports.v2}
  unique-id-format %[uuid()]
  server kerbside 127.0.0.1:${secure} send-proxy-v2 proxy-v2-options crc32c,unique-id
listen plain
  bind 127.0.0.1:${ports.plain}
  server kerbside 127.0.0.1:${insecure} send-proxy-v2
listen bare_check
  bind unix@${join(folder, 'unused')}
  server kerbside 127.0.0.1:${secure} send-proxy no-check-send-proxy
`,
    );
    haproxy = await startProgram('/usr/sbin/haproxy', ['-db', '-f', config], {
      logFile: join(folder, 'haproxy.log'),
    });
    await waitFor('HAProxy', async () => {
      if (haproxy.ended() !== null) throw new Error(haproxy.output());
      (await connectSocket({ port: ports.v1 })).destroy();
      return true;
    });
  });
  afterAll(async () => {
    await haproxy.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(['v1', 'v2'] as const)('passes a whole session on with its client: %s', async (version) => {
    desk = await site.desk();
    const client = await site.client(desk.uuid, { port: ports[version], localAddress: '127.0.0.9' });
    const main = await client.openMain();
    await client.open('display');
    expect(await clientOf(client.session)).toEqual([
      ['127.0.0.9', main.socket?.localPort],
      ['127.0.0.9', expect.any(Number)],
    ]);
  });

  it('passes the plain port on with its client', async () => {
    const counted = 'kerbside_proxy_refused_total{reason="need_secured"}';
    const before = await site.metric(counted);
    const channel = await linkChannel({ port: ports.plain, localAddress: '127.0.0.9' });
    expect(channel.outcome).toEqual({ type: 'reply_error', code: 5 });
    await site.metricAtLeast(counted, before + 1);
    expect((await site.logged('plain connection answered')).at(-1)).toContain('client=127.0.0.9');
  });

  it('finds the ports alive by its health checks, and these are no refusals', async () => {
    const before = await refusals();
    const logged = site.log().length;
    await waitFor('twenty health checks', () => {
      const checks = site.log().slice(logged).match(CHECKED) ?? [];
      return checks.length >= 20;
    });
    expect(site.log().slice(logged)).not.toMatch(/ (INFO|WARNING|ERROR) kerbside\.console/);
    expect(await refusals()).toBe(before);
    const stats = await askHaproxy(join(folder, 'admin'), 'show stat');
    const servers = stats.split('\n').filter((line) => line.includes(',kerbside,'));
    expect(servers).toHaveLength(4);
    for (const line of servers) expect(line).toContain(',UP,');
  });
});

/** One command on HAProxy's admin socket. */
async function askHaproxy(path: string, command: string): Promise<string> {
  const socket = connect({ path });
  socket.end(`${command}\n`);
  return (await untilClosed(socket)).bytes.toString();
}
