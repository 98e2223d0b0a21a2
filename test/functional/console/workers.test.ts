// SPDX-License-Identifier: Apache-2.0
// The relay workers as processes: two of them share the ports; limits refuse cleanly; certificates are replaced under
// running sessions; a worker that is killed takes its own sessions only; SIGTERM drains.
import { copyFileSync, writeFileSync } from 'node:fs';
import { connect as connectTls, type DetailedPeerCertificate, type TLSSocket } from 'node:tls';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Site, type Guest } from '../../fixtures/kerbside.js';
import { waitFor } from '../../fixtures/program.js';
import { connectSocket, linkChannel, type ClientChannel } from '../../fixtures/spice-client.js';

const TIME = 106;
const WORKERS = { OS_SPICE__WORKERS: '2' };

/** Certificate that a new client of the TLS port is shown. */
async function shownCertificate(site: Site): Promise<string> {
  const { ca } = site.certificates.authority;
  const socket: TLSSocket = connectTls({
    ...{ host: '127.0.0.1', port: site.kerbside.ports.secure, ca },
    ...{ sigalgs: 'ecdsa_secp256r1_sha256', checkServerIdentity: () => undefined },
  });
  await once(socket, 'secureConnect');
  const certificate: DetailedPeerCertificate = socket.getPeerCertificate(true);
  socket.destroy();
  return certificate.serialNumber;
}

describe('two workers', () => {
  let site: Site;

  beforeAll(async () => {
    site = await Site.start({
      ...WORKERS,
      OS_PROXY__MAX_CONNECTIONS_PER_ADDRESS: '12',
      OS_PROXY__MAX_HALF_OPEN_PER_ADDRESS: '6',
    });
  });
  afterEach(() => site.tidy());
  afterAll(() => site.stop());

  /**
   * A session on each worker, by the pid of the worker that carries main. The kernel gives an idle worker's connection to
   * whom it likes, often the same one: the other is held still meanwhile.
   */
  async function onBothWorkers(): Promise<Map<number, { client: Guest; main: ClientChannel }>> {
    const found = new Map<number, { client: Guest; main: ClientChannel }>();
    const pids = site.workerPids();
    for (const pid of pids) {
      const others = pids.filter((other) => other !== pid);
      const desk = await site.desk();
      const client = await site.client(desk.uuid);
      for (const other of others) process.kill(other, 'SIGSTOP');
      try {
        const main = await client.openMain();
        found.set((await site.kerbside.sessions())[client.session]?.channels[0]?.pid ?? 0, { client, main });
      } finally {
        for (const other of others) process.kill(other, 'SIGCONT');
      }
    }
    expect([...found.keys()].sort()).toEqual([...pids].sort());
    return found;
  }

  it('share the ports, and carry the channels of one session together', async () => {
    const sessions = await onBothWorkers();
    expect([...sessions.keys()].sort()).toEqual(site.workerPids().sort());
    for (const { client } of sessions.values()) await client.open('display');
    expect(await site.metric('kerbside_proxy_workers')).toBe(2);
    // Each proves for itself, with a listener that the other does not share, that one read buffer is enough.
    expect(site.log()).not.toContain('self test failed');
  });

  it('die alone: the other one keeps its sessions, and the dead one is replaced', async () => {
    const deaths = await site.metric('kerbside_proxy_worker_deaths_total');
    const sessions = await onBothWorkers();
    const [[victim, lost], [, kept]] = [...sessions] as [
      [number, { client: Guest; main: ClientChannel }],
      [number, { client: Guest; main: ClientChannel }],
    ];
    process.kill(victim, 'SIGKILL');
    await lost.main.closed;
    await waitFor('a new worker', () => {
      const pids = site.workerPids();
      return pids.length === 2 && !pids.includes(victim);
    });
    await waitFor('the lost session to leave', async () => {
      const ids = await site.sessionIds();
      return ids.includes(kept.client.session) && !ids.includes(lost.client.session);
    });
    expect(kept.main.closeReason).toBeNull();
    await kept.client.open('display');
    expect(await site.metric('kerbside_proxy_worker_deaths_total')).toBe(deaths + 1);
    await site.logged('a relay worker died; replacing it');
    // Within the reconnect grace its client may come back.
    await waitFor('the new worker to listen', async () => {
      await onBothWorkers();
      return true;
    });
  });

  it('have balancers send clients elsewhere while none of them listens', async () => {
    const health = `http://127.0.0.1:${site.kerbside.ports.metrics}/healthcheck`;
    for (const pid of site.workerPids()) process.kill(pid, 'SIGKILL');
    await waitFor('a node that is not ready', async () => (await fetch(health)).status === 503, {
      everyMs: 5,
    });
    expect((await fetch(`${health}/live`)).status).toBe(200);
    await waitFor('a node that is ready', async () => (await fetch(health)).status === 200);
    await waitFor('both workers', async () => {
      await onBothWorkers();
      return true;
    });
  });

  it('refuse more connections of an address than it may have, with an error and a metric', async () => {
    const desk = await site.desk();
    const client = await site.client(desk.uuid);
    await client.openMain();
    const outcomes = new Set<string>();
    for (let count = 0; count < 20; count += 1) {
      const { outcome } = await client.link('usbredir', count % 2);
      outcomes.add(JSON.stringify(outcome));
    }
    expect([...outcomes].filter((outcome) => outcome.includes('linked'))).toHaveLength(1);
    expect(await site.metric('kerbside_proxy_active_connections')).toBe(12);
    expect([...outcomes].filter((outcome) => outcome.includes('"code":7'))).toHaveLength(0);
    expect(await site.metric('kerbside_proxy_refused_total{reason="limit_address"}')).toBeGreaterThan(0);
    const elsewhere = await site.client(desk.uuid, { localAddress: '127.0.0.5' });
    await elsewhere.openMain();
  });

  it('cut half-open connections over their limit at once, with a metric', async () => {
    const sockets = await Promise.all(
      Array.from({ length: 40 }, async () => connectSocket({ port: site.kerbside.ports.secure })),
    );
    await waitFor('the surplus to be cut', () => sockets.filter(({ closed }) => closed).length >= 40 - 12);
    await site.metricAtLeast('kerbside_proxy_refused_total{reason="limit_half_open"}', 40 - 12);
    sockets.forEach((socket) => socket.destroy());
    await waitFor('room again', async () => {
      const { outcome } = await linkChannel({ ...site.clientOptions(), password: 'x'.repeat(48) });
      return outcome.type === 'result' && outcome.code === 7;
    });
  });

  it('take up a new certificate on SIGHUP and by themselves, and keep their sessions', async () => {
    const desk = await site.desk();
    const client = await site.client(desk.uuid);
    const main = await client.openMain();
    const { ecdsa, authority } = site.certificates;
    const first = await shownCertificate(site);
    replace(ecdsa, authority.issue());
    site.kerbside.program.child.kill('SIGHUP');
    const second = await waitFor('the second certificate', async () => {
      const shown = await shownCertificate(site);
      return shown === first ? null : shown;
    });
    replace(ecdsa, authority.issue());
    await waitFor('the third certificate', async () => (await shownCertificate(site)) !== second);
    writeFileSync(ecdsa.certPath, 'no certificate\n');
    site.kerbside.program.child.kill('SIGHUP');
    await site.logged('certificates were not reloaded; the old ones stay in use');
    await shownCertificate(site);
    (await desk.server.channel('main')).send(TIME, Buffer.alloc(4));
    await main.waitFor(TIME);
    replace(ecdsa, authority.issue());
  });
});

function replace(
  target: { certPath: string; keyPath: string },
  by: { certPath: string; keyPath: string },
): void {
  copyFileSync(by.keyPath, target.keyPath);
  copyFileSync(by.certPath, target.certPath);
}

/** Seconds; a test gives up long before. */
const DRAIN_LONG = 86_400;

describe('a stop', () => {
  async function withSession(
    run: (site: Site, client: Guest, main: ClientChannel) => Promise<void>,
    drainTimeout = 3,
  ): Promise<void> {
    const site = await Site.start({
      ...WORKERS,
      OS_PROXY__MAX_CONNECTIONS: '1',
      OS_PROXY__DRAIN_TIMEOUT: String(drainTimeout),
    });
    try {
      const desk = await site.desk();
      const client = await site.client(desk.uuid);
      await run(site, client, await client.openMain());
    } finally {
      await site.stop();
    }
  }

  const health = async (site: Site): Promise<number> =>
    (await fetch(`${site.kerbside.apiUrl}/healthcheck`).catch(() => ({ status: 0 }))).status;

  it('by SIGTERM lets sessions run for drain_timeout, then closes them and exits with 0', () =>
    withSession(async (site, _client, main) => {
      const { child } = site.kerbside.program;
      const startedAt = Date.now();
      child.kill('SIGTERM');
      await waitFor('503 of /healthcheck', async () => (await health(site)) === 503, { everyMs: 10 });
      await expect(connectSocket(site.clientOptions())).rejects.toThrow();
      expect(main.closeReason).toBeNull();
      await main.closed;
      const took = Date.now() - startedAt;
      expect(took).toBeGreaterThan(2500);
      await waitFor('exit status 0', () => site.kerbside.program.ended() === 0);
      expect(site.log()).toContain('reason="proxy shut down"');
      expect(site.log()).not.toMatch(/ ERROR /);
    }));

  it('by a second SIGTERM closes them at once; process limits were refused cleanly before', () =>
    withSession(async (site, client, main) => {
      const second = await waitFor('a refusal', async () => {
        const channel = await client.link('display');
        return channel.linked ? null : channel;
      });
      expect(second.outcome).toEqual({ type: 'reply_error', code: 1 });
      expect(await site.metricAtLeast('kerbside_proxy_refused_total{reason="limit_connections"}', 1)).toBe(1);
      const { child } = site.kerbside.program;
      child.kill('SIGTERM');
      await waitFor('503 of /healthcheck', async () => (await health(site)) === 503, { everyMs: 10 });
      child.kill('SIGTERM');
      await waitFor('the end of the session', () => main.closeReason !== null);
      await waitFor('exit status 0', () => site.kerbside.program.ended() === 0);
    }, DRAIN_LONG));
});
