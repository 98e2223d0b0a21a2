// SPDX-License-Identifier: Apache-2.0
// The leg to the hypervisor: every way in which it can fail is told apart in audit and metric, ends in time, and
// sends the client no result; TLS, pins and the retries between the two ports.
import { createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Site } from '../../fixtures/kerbside.js';
import type { ConsoleEntry } from '../../fixtures/sources-file.js';
import { freePort, waitFor } from '../../fixtures/program.js';
import type { Behaviour, SpiceServerOptions } from '../../fixtures/spice-server-options.js';

const BACKEND_TIMEOUT = 2000;

let site: Site;

beforeAll(async () => {
  site = await Site.start();
});
afterEach(() => site.tidy());
afterAll(async () => {
  const log = site.log();
  await site.stop();
  expect(log).not.toMatch(/ ERROR /);
});

interface Failure {
  readonly reason: string;
  readonly audit: string;
}

/** Opens main, which must fail in that way: no result word, audit and metric by their words. */
async function fails(uuid: string, { reason, audit }: Failure): Promise<void> {
  const name = `kerbside_proxy_backend_failures_total{reason="${reason}"}`;
  const before = await site.metric(name);
  await failsToLink(uuid, audit);
  expect(await site.metric(name)).toBe(before + 1);
}

/** Opens main, which gets no result word; gives how long that took in milliseconds. */
async function failsToLink(uuid: string, audit: string): Promise<number> {
  const client = await site.client(uuid);
  const startedAt = performance.now();
  const main = await client.link('main', 0, { connectionId: 0 });
  const took = performance.now() - startedAt;
  expect(main.outcome).toMatchObject({ type: 'closed', stage: 'result' });
  await site.audited(uuid, `Hypervisor connection failed: ${audit}`);
  await site.audited(uuid, 'Channel closed: backend failed');
  return took;
}

const TLS_ROW = { hypervisor: 'localhost' };
const pinned = (subject: string): Partial<ConsoleEntry> => ({ host_subject: subject });

const withTls = (): SpiceServerOptions => ({ tls: site.certificates.hypervisor });
const onlyTls = (): SpiceServerOptions => ({ ...withTls(), plain: false });

describe('a backend that fails', () => {
  it('by refusing the connection', async () => {
    const [uuid = ''] = await site.consoles({ insecure_port: await freePort() });
    await fails(uuid, { reason: 'refused', audit: 'connection refused' });
    await site.logged('hypervisor connection failed');
  });

  it('by silence after the accept, the link message, or the ticket, or in its handshake', async () => {
    const name = 'kerbside_proxy_backend_failures_total{reason="timed_out"}';
    const before = await site.metric(name);
    const desks = [
      await site.desk({ behaviour: { at: 'accept', act: 'hang' } }),
      await site.desk({ behaviour: { at: 'mess', act: 'hang' } }),
      await site.desk({ behaviour: { at: 'auth', act: 'hang' } }),
      await site.desk({ ...withTls(), behaviour: { at: 'accept', act: 'hang' } }, TLS_ROW),
    ];
    // All at once: they wait beside each other.
    const waits = desks.map(({ uuid }) => failsToLink(uuid, 'no answer in time'));
    for (const took of await Promise.all(waits)) expect(took).toBeGreaterThan(BACKEND_TIMEOUT - 200);
    expect(await site.metric(name)).toBe(before + desks.length);
    expect(desks[3]?.server.attempts.every(({ secured }) => secured)).toBe(true);
  });

  it.each<[string, Behaviour, Failure]>([
    [
      'a close after the accept',
      { at: 'accept', act: 'close' },
      { reason: 'reset', audit: 'the hypervisor closed the connection in the link stage' },
    ],
    [
      'a close after the ticket',
      { at: 'auth', act: 'close' },
      { reason: 'reset', audit: 'the hypervisor closed the connection in the link stage' },
    ],
    ['a reset', { at: 'mess', act: 'reset' }, { reason: 'reset', audit: 'connection reset' }],
    ['nonsense', { at: 'accept', act: 'nonsense' }, { reason: 'protocol', audit: 'not a SPICE server' }],
    ['a flood', { at: 'accept', act: 'flood' }, { reason: 'protocol', audit: 'not a SPICE server' }],
    [
      'a link error',
      { replyError: 1 },
      { reason: 'link_refused', audit: 'the hypervisor answered link error 1' },
    ],
    [
      'another result',
      { result: 9 },
      { reason: 'link_refused', audit: 'the hypervisor answered link result 9' },
    ],
    [
      'result 7',
      { result: 7 },
      { reason: 'wrong_ticket', audit: 'the hypervisor refused the ticket of the console' },
    ],
    [
      'a reply of zeros',
      { rawReply: Buffer.alloc(300) },
      { reason: 'protocol', audit: 'not a SPICE server' },
    ],
    [
      'a key that is none',
      { rawReply: spiceReply(Buffer.alloc(162, 1)) },
      { reason: 'protocol', audit: 'unusable ticket key' },
    ],
    [
      'no key, as for SASL',
      { rawReply: spiceReply(Buffer.alloc(162)) },
      { reason: 'protocol', audit: 'not a SPICE server' },
    ],
    [
      'a reply of 4 GiB',
      { rawReply: Buffer.from('524544510200000002000000ffffffff', 'hex') },
      { reason: 'protocol', audit: 'not a SPICE server' },
    ],
  ])('by %s', async (_what, behaviour, failure) => {
    const desk = await site.desk({ behaviour });
    await fails(desk.uuid, failure);
  });

  it('by another ticket than the console has', async () => {
    const desk = await site.desk({ password: 'changed' });
    await fails(desk.uuid, {
      reason: 'wrong_ticket',
      audit: 'the hypervisor refused the ticket of the console',
    });
    expect(site.log()).not.toContain('s3cret');
  });

  it('by not speaking mini headers, when the client does', async () => {
    const desk = await site.desk({ commonCaps: [0x3] });
    await fails(desk.uuid, { reason: 'protocol', audit: 'the hypervisor does not speak mini headers' });
    const client = await site.client(desk.uuid, { commonCaps: [0x1] });
    await client.openMain();
  });

  it('for a channel other than main, which alone ends', async () => {
    const desk = await site.desk();
    const client = await site.client(desk.uuid);
    const main = await client.openMain();
    desk.server.behaviour = { at: 'mess', act: 'close' };
    expect((await client.link('display')).outcome).toMatchObject({ type: 'closed', stage: 'result' });
    desk.server.behaviour = 'serve';
    await client.open('display');
    expect(main.closeReason).toBeNull();
  });

  it('after the link, by nonsense, a reset or a flood: the channel ends or is held back, no other does', async () => {
    const calm = await site.client((await site.desk()).uuid);
    const untouched = await calm.openMain();
    for (const act of ['nonsense', 'reset', 'flood'] as const) {
      const desk = await site.desk({ behaviour: { at: 'linked', act } });
      const client = await site.client(desk.uuid);
      const main = await client.link('main', 0, { connectionId: 0 });
      if (act === 'flood') {
        main.pause();
        const { socket } = await desk.server.channel('main');
        await waitFor('a backend that has to wait', () => socket.writableNeedDrain);
        await client.close();
      } else {
        await main.closed;
      }
    }
    expect(untouched.closeReason).toBeNull();
    await calm.open('display');
  });
});

describe('TLS to the backend', () => {
  it('is used where the console has a TLS port, with the authority of the source', async () => {
    const desk = await site.desk(withTls(), TLS_ROW);
    const client = await site.client(desk.uuid);
    await client.openMain();
    expect((await desk.server.channel('main')).facts.secured).toBe(true);
  });

  it('takes a certificate that names the dialled address, whatever the hypervisor is called', async () => {
    const desk = await site.desk(onlyTls());
    await (await site.client(desk.uuid)).openMain();
  });

  it('takes a certificate that names the hypervisor, whatever address is dialled', async () => {
    const tls = site.certificates.authority.issue({
      subject: 'O=Lab,CN=hv',
      names: ['DNS:hv-17.secret.example'],
    });
    const desk = await site.desk({ tls, plain: false });
    await (await site.client(desk.uuid)).openMain();
  });

  it.each([
    ['right', 'O=Lab,CN=hypervisor'],
    ['right, but for case and white space', 'O=lab, CN= HYPERVISOR '],
  ])('takes a certificate that matches the pin: %s', async (_how, subject) => {
    const desk = await site.desk(onlyTls(), pinned(subject));
    await (await site.client(desk.uuid)).openMain();
  });

  it('compares the pin only, not the names of the certificate', async () => {
    const tls = site.certificates.wrongSubject;
    const desk = await site.desk({ tls, plain: false }, pinned('O=Lab,CN=elsewhere'));
    await (await site.client(desk.uuid)).openMain();
  });

  it.each([
    ['another subject', 'O=Lab,CN=somebody'],
    ['the entries in another order', 'CN=hypervisor,O=Lab'],
    ['a part of the subject', 'CN=hypervisor'],
    ['nothing that can be read', 'hypervisor'],
  ])('refuses a certificate when the pin is %s, and never falls back to plain', async (_what, subject) => {
    const desk = await site.desk(withTls(), pinned(subject));
    await fails(desk.uuid, {
      reason: 'wrong_subject',
      audit: 'certificate does not match the pinned host_subject',
    });
    await site.logged('TLS: rejecting certificate: pinned host_subject');
    expect(desk.server.attempts.map(({ secured }) => secured)).toEqual([true]);
  });

  it('refuses a certificate of another authority, pinned or not, and never falls back to plain', async () => {
    for (const row of [TLS_ROW, pinned('O=Lab,CN=hypervisor')]) {
      const desk = await site.desk({ tls: site.certificates.wrongCa }, row);
      await fails(desk.uuid, {
        reason: 'wrong_ca',
        audit: 'certificate is not signed by the CA of the source',
      });
      expect(desk.server.attempts.every(({ secured }) => secured)).toBe(true);
    }
  });

  it('refuses a certificate that names somebody else, and never falls back to plain', async () => {
    const desk = await site.desk({ tls: site.certificates.wrongSubject }, TLS_ROW);
    await fails(desk.uuid, {
      reason: 'wrong_host_name',
      audit: 'certificate does not name the hypervisor',
    });
    expect(desk.server.attempts.every(({ secured }) => secured)).toBe(true);
  });

  it('that is no TLS fails, and never falls back to plain', async () => {
    const desk = await site.desk();
    const rogue = createServer((socket) => socket.on('error', () => undefined).end('SSH-2.0-nonsense\r\n'));
    const port = await freePort();
    await new Promise<void>((resolve) => rogue.listen(port, '127.0.0.1', resolve));
    try {
      const { plainPort } = desk.server;
      const [uuid = ''] = await site.consoles({ secure_port: port, insecure_port: plainPort });
      await fails(uuid, { reason: 'tls_failed', audit: 'TLS failed (ERR_SSL_WRONG_VERSION_NUMBER)' });
      const [line = ''] = await site.logged('hypervisor connection failed: TLS failed');
      expect(line).toContain(`source=lab console=${uuid} address=127.0.0.1 port=${port} reason=tls_failed`);
      expect(desk.server.attempts).toHaveLength(0);
    } finally {
      rogue.close();
    }
  });

  it('falls back to plain when nobody listens on the TLS port, under prefer_tls', async () => {
    const desk = await site.desk({}, { secure_port: await freePort() });
    await (await site.client(desk.uuid)).openMain();
    expect((await desk.server.channel('main')).facts.secured).toBe(false);
  });
});

describe('a backend that wants TLS', () => {
  it('fails when it has no TLS port that is known', async () => {
    const desk = await site.desk({ needSecured: true });
    await fails(desk.uuid, { reason: 'link_refused', audit: 'the hypervisor answered link error 5' });
  });
});

describe('after a backend that failed', () => {
  it('nothing is left open', async () => {
    const [refused = ''] = await site.consoles({ insecure_port: await freePort() });
    await fails(refused, { reason: 'refused', audit: 'connection refused' });
    const desk = await site.desk();
    const client = await site.client(desk.uuid);
    await client.openMain();
    await waitFor('no session but this one', async () => (await site.sessionIds()).join() === client.session);
  });
});

/** A link reply without error that holds this key. */
function spiceReply(publicKey: Buffer): Buffer {
  const reply = Buffer.alloc(16 + 178 + 4);
  reply.write('REDQ');
  [2, 2, 182].forEach((word, index) => reply.writeUInt32LE(word, 4 + 4 * index));
  publicKey.copy(reply, 20);
  [1, 0, 178, 0xb].forEach((word, index) => reply.writeUInt32LE(word, 182 + 4 * index));
  return reply;
}
