// SPDX-License-Identifier: Apache-2.0
// The link stage with clients: every way in which they may start, every way in which they may be wrong, and what
// they hear. Order and codes: spice-server reds.cpp.
import { once } from 'node:events';
import { connect as connectTls } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { CHANNEL } from '../../../src/console/spice/constants.js';
import { encodeLinkMess } from '../../../src/console/spice/link-message.js';
import { SERVER_MESSAGE } from '../../../src/console/spice/message-types.js';
import { Site, type Desk } from '../../fixtures/kerbside.js';
import { waitFor } from '../../fixtures/program.js';
import { connectSocket, linkChannel, untilClosed } from '../../fixtures/spice-client.js';

const MESS = { connectionId: 0, channelType: 1, channelId: 0, commonCaps: [0xd], channelCaps: [0xf] };

let site: Site;
let desk: Desk;

beforeAll(async () => {
  site = await Site.start({ OS_SPICE__ADDRESS: '127.0.0.1,::1' });
});
afterEach(() => site.tidy());
afterAll(async () => {
  const log = site.log();
  await site.stop();
  expect(log).toContain('secure SPICE listener bound');
  expect(log).not.toMatch(/ERROR/);
});

/** A link message with some of its bytes replaced. */
function spoiled(change: (bytes: Buffer) => void): Buffer {
  const bytes = encodeLinkMess(MESS);
  change(bytes);
  return bytes;
}

describe('a client of the TLS port', () => {
  it.each([
    ['as spice-gtk', [0xd], [0xf]],
    ['as spice-html5', [0x9], [0x4]],
    ['without mini headers', [0x5], [0xf]],
    ['without a choice of mechanism', [0x8], [0xf]],
    ['without any capability', [], []],
  ])('is linked %s', async (_who, commonCaps, channelCaps) => {
    desk = await site.desk();
    const client = await site.client(desk.uuid, { commonCaps, channelCaps });
    const main = await client.openMain();
    expect(main.reply).toMatchObject({ commonCaps: [0xb], channelCaps: [0xf] });
    expect(main.reply?.publicKey).toHaveLength(162);
    await client.open('display', 0, { channelCaps: [] });
  });

  it('is linked when its bytes come one by one', async () => {
    desk = await site.desk();
    const client = await site.client(desk.uuid, { byteDelayMs: 1 });
    await client.openMain();
  });

  it('is linked with an ECDSA and with an RSA certificate, with TLS 1.2 and with TLS 1.3', async () => {
    desk = await site.desk();
    const { ca } = site.certificates.authority;
    const common = { ca, checkServerIdentity: () => undefined };
    const ways = [
      { ...common, maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' },
      { ...common, maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' },
      { ...common, sigalgs: 'rsa_pss_rsae_sha256' },
      { ...common, sigalgs: 'ecdsa_secp256r1_sha256' },
    ] as const;
    for (const tls of ways) {
      const client = await site.client(desk.uuid, { tls });
      await client.openMain();
      await client.close();
    }
  });

  it.each(['X25519', 'P-256', 'P-384', 'X448', 'P-521', 'ffdhe2048', 'ffdhe3072', 'ffdhe4096'])(
    'is linked when it offers %s alone',
    async (ecdhCurve) => {
      desk = await site.desk();
      const { ca } = site.certificates.authority;
      const tls = { ca, ecdhCurve, minVersion: 'TLSv1.3', checkServerIdentity: () => undefined } as const;
      const client = await site.client(desk.uuid, { tls });
      await client.openMain();
    },
  );

  it('cannot connect with TLS 1.1', async () => {
    const { port } = site.clientOptions();
    const socket = connectTls({
      ...{ port, host: '127.0.0.1', ca: site.certificates.authority.ca },
      ...{ minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
      checkServerIdentity: () => undefined,
    });
    const [error] = (await once(socket, 'error')) as [Error];
    expect(error.message).toMatch(/version|alert|handshake|protocol/i);
  });

  it('is linked over IPv6', async () => {
    desk = await site.desk();
    const client = await site.client(desk.uuid, { host: '::1' });
    await client.openMain();
    expect((await site.kerbside.sessions())[client.session]).toBeDefined();
  });

  it.each([
    ['a wrong magic', (bytes: Buffer) => bytes.write('RFB '), 2],
    ['major version 1', (bytes: Buffer) => bytes.writeUInt32LE(1, 4), 4],
    ['a size of 17', (bytes: Buffer) => bytes.writeUInt32LE(17, 12), 3],
    ['a size of 4097', (bytes: Buffer) => bytes.writeUInt32LE(4097, 12), 3],
    ['a size of 4 GiB', (bytes: Buffer) => bytes.writeUInt32LE(0xffffffff, 12), 3],
    ['1025 capability words', (bytes: Buffer) => bytes.writeUInt32LE(1025, 22), 3],
    ['capabilities outside of the message', (bytes: Buffer) => bytes.writeUInt32LE(40, 30), 3],
  ] as const)('hears an error of the link reply for %s', async (_what, change, code) => {
    const channel = await linkChannel({
      ...site.clientOptions(),
      rawMess: spoiled((bytes) => void change(bytes)),
    });
    expect(channel.outcome).toEqual({ type: 'reply_error', code });
    expect((await channel.closed).how).toBe('end');
  });

  it('is heard with the largest legal message, and with the smallest', async () => {
    desk = await site.desk();
    const commonCaps = [0xd, ...Array<number>(1010).fill(0)];
    const largest = await site.client(desk.uuid, { commonCaps, channelCaps: Array<number>(8).fill(0) });
    await largest.openMain();
    await largest.close();
    const smallest = await site.client(desk.uuid, { commonCaps: [], channelCaps: [] });
    await smallest.openMain();
  });

  it.each([
    ['an unknown channel type', { channelType: 12 }],
    ['channel type 0', { channelType: 0 }],
  ])('hears nothing for %s', async (_what, change) => {
    const channel = await linkChannel({ ...site.clientOptions(), ...change });
    expect(channel.outcome).toMatchObject({ type: 'closed', stage: 'reply' });
  });

  it('hears nothing for major version 0', async () => {
    const rawMess = spoiled((bytes) => void bytes.writeUInt32LE(0, 4));
    const channel = await linkChannel({ ...site.clientOptions(), rawMess });
    expect(channel.outcome).toMatchObject({ type: 'closed', stage: 'reply' });
  });

  it.each([2, 0, 77])('is refused with mechanism %i, in the place of the result', async (mechanism) => {
    const channel = await linkChannel({ ...site.clientOptions(), mechanism });
    expect(channel.outcome).toEqual({ type: 'result', code: 0x51444552 });
    await channel.closed;
  });

  it.each([
    ['random bytes for a ticket', { ticket: Buffer.alloc(128, 0xa5) }],
    ['a wrong token', { password: 'x'.repeat(48) }],
    ['an empty token', { password: '' }],
    ['a token of 61 bytes', { password: 'x'.repeat(61) }],
    ['a token that is SQL', { password: "' OR 1=1 --" }],
  ])('hears result 7 for %s', async (_what, change) => {
    const before = await site.metric('kerbside_proxy_denied_total');
    const channel = await linkChannel({ ...site.clientOptions(), ...change });
    expect(channel.outcome).toEqual({ type: 'result', code: 7 });
    expect((await channel.closed).how).toBe('end');
    if ('password' in change && /^(x{48}$|')/.test(change.password)) {
      await site.metricAtLeast('kerbside_proxy_denied_total', before + 1);
    }
  });

  it('is cut when it speaks SPICE without TLS', async () => {
    const socket = await connectSocket({ port: site.kerbside.ports.secure });
    socket.write(encodeLinkMess(MESS));
    const { bytes } = await untilClosed(socket);
    expect(bytes.toString('latin1')).not.toContain('REDQ');
  });
});

describe('a client of the plain port', () => {
  it.each(Object.entries(CHANNEL))('hears NEED_SECURED for a %s channel', async (_name, channelType) => {
    const channel = await linkChannel({ port: site.kerbside.ports.insecure, channelType });
    expect(channel.outcome).toEqual({ type: 'reply_error', code: 5 });
    expect((await channel.closed).how).toBe('end');
  });

  it('hears NEED_SECURED over IPv6', async () => {
    const channel = await linkChannel({ host: '::1', port: site.kerbside.ports.insecure });
    expect(channel.outcome).toEqual({ type: 'reply_error', code: 5 });
  });

  it('hears what is wrong with its link message', async () => {
    const rawMess = spoiled((bytes) => void bytes.writeUInt32LE(5, 12));
    const channel = await linkChannel({ port: site.kerbside.ports.insecure, rawMess });
    expect(channel.outcome).toEqual({ type: 'reply_error', code: 3 });
  });

  it('is told in SPICE when it speaks TLS', async () => {
    const socket = await connectSocket({ port: site.kerbside.ports.insecure });
    socket.write(Buffer.from('160301020001', 'hex'));
    const { bytes } = await untilClosed(socket);
    expect(bytes.subarray(0, 4).toString('latin1')).toBe('REDQ');
    expect(bytes.readUInt32LE(16)).toBe(2);
  });
});

describe('a client that keeps the service waiting is cut', () => {
  type Ending = ReturnType<typeof untilClosed>;
  let endings: Record<'slow' | 'withoutTicket' | 'withoutTls' | 'slowTls' | 'silent', Ending>;

  // All at once: they wait beside each other.
  beforeAll(async () => {
    const { secure, insecure } = site.kerbside.ports;
    const [slow, withoutTicket, withoutTls, slowTls, silent] = await Promise.all([
      connectSocket(site.clientOptions()),
      connectSocket(site.clientOptions()),
      connectSocket({ port: secure }),
      connectSocket({ port: secure }),
      connectSocket({ port: insecure }),
    ]);
    // A record of 512 bytes that does not end.
    slowTls.write(Buffer.from('1603010200010001fc0303', 'hex'));
    const drip = setInterval(() => slowTls.write(Buffer.alloc(1)), 100);
    slowTls.once('close', () => clearInterval(drip));
    const mess = encodeLinkMess(MESS);
    let at = 0;
    const pump = setInterval(() => slow.write(mess.subarray(at, (at += 1))), 500);
    slow.once('close', () => clearInterval(pump));
    withoutTicket.write(mess);
    endings = {
      slow: untilClosed(slow),
      withoutTicket: untilClosed(withoutTicket),
      withoutTls: untilClosed(withoutTls),
      slowTls: untilClosed(slowTls),
      silent: untilClosed(silent),
    };
  });

  it('when it sends byte by byte, slowly', async () => {
    const { took } = await endings.slow;
    expect(took).toBeGreaterThan(1000);
    await site.metricAtLeast('kerbside_proxy_refused_total{reason="link_timeout"}', 1);
  });

  it('when it falls silent before its ticket', async () => {
    const { bytes } = await endings.withoutTicket;
    expect(bytes).toHaveLength(202);
  });

  it('when it never begins the TLS handshake', async () => {
    await endings.withoutTls;
    await site.metricAtLeast('kerbside_proxy_refused_total{reason="tls"}', 1);
  });

  it('when its TLS handshake does not come to an end', async () => {
    await Promise.all([endings.withoutTls, endings.slowTls]);
    await site.metricAtLeast('kerbside_proxy_refused_total{reason="tls"}', 2);
  });

  it('when it says nothing on the plain port', async () => {
    expect((await endings.silent).bytes).toHaveLength(0);
  });
});

describe('after a client that was refused', () => {
  it('a session still opens, and nothing is left of the other', async () => {
    const before = await site.metric('kerbside_proxy_connections_total');
    await linkChannel({ ...site.clientOptions(), password: 'x'.repeat(48) });
    desk = await site.desk();
    const client = await site.client(desk.uuid);
    const main = await client.openMain();
    (await desk.server.channel('main')).send(SERVER_MESSAGE.common.PING, Buffer.alloc(12));
    await main.waitFor(SERVER_MESSAGE.common.PING);
    await waitFor('no session but this one', async () => (await site.sessionIds()).join() === client.session);
    await waitFor(
      'no connection but this one',
      async () => (await site.metric('kerbside_proxy_active_connections')) === 1,
    );
    // A worker reports what it has accepted once in a while.
    await site.metricAtLeast('kerbside_proxy_connections_total', before + 1);
  });
});
