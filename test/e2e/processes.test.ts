// SPDX-License-Identifier: Apache-2.0
// Kerbside's processes under signals while real sessions run: a worker dies, the program drains, the program is told twice.
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type Desk, startDesk } from '../fixtures/desk.js';
import { probeVv } from '../fixtures/kerbside-process.js';
import { CONSOLE, SOURCE } from '../fixtures/lab.js';
import type { ProbeLink } from '../fixtures/link-probe.js';
import { delay, waitFor } from '../fixtures/program.js';

jest.setTimeout(60_000);

const DRAIN_SECONDS = 6;

async function start(): Promise<Desk> {
  return startDesk(() => ({ env: { OS_PROXY__DRAIN_TIMEOUT: `${DRAIN_SECONDS}`, OS_SPICE__WORKERS: '2' } }));
}

async function openMain(desk: Desk): Promise<ProbeLink> {
  const result = await probeVv(await desk.vv());
  if (result.outcome !== 'linked') throw new Error(`no session: ${JSON.stringify(result)}`);
  await result.link.sessionId();
  return result.link;
}

async function health(desk: Desk): Promise<number> {
  return (await fetch(`${desk.lab.kerbside.apiUrl}/healthcheck`)).status;
}

describe('a relay worker that is killed', () => {
  let desk: Desk;

  beforeAll(async () => {
    desk = await start();
  });

  afterAll(async () => {
    await desk.stop();
  });

  it('ends its own session only, and is replaced', async () => {
    const { kerbside } = desk.lab;
    const link = await openMain(desk);
    const [victim] = Object.values(await kerbside.sessions()).flatMap(({ channels }) =>
      channels.map(({ pid }) => pid),
    );
    expect(victim).not.toBe(kerbside.program.pid);
    process.kill(victim!, 'SIGKILL');
    await link.closed;
    await waitFor(
      'empty session list',
      5000,
      async () => Object.keys(await kerbside.sessions()).length === 0,
    );
    expect(kerbside.program.ended()).toBeNull();
    await waitFor('two workers', 10_000, async () =>
      /^kerbside_proxy_workers 2$/m.test(await kerbside.metrics()),
    );
    expect((await desk.screenshot(await desk.vv())).image).not.toBeNull();
    expect((await kerbside.audit(SOURCE, CONSOLE)).some((message) => message.includes('worker died'))).toBe(
      true,
    );
  });
});

describe('SIGTERM', () => {
  let desk: Desk;

  beforeAll(async () => {
    desk = await start();
  });

  afterAll(async () => {
    await desk.stop();
  });

  it('stops new sessions, lets remote-viewer work until the drain ends, and exits 0', async () => {
    const { kerbside } = desk.lab;
    const fresh = await desk.vv();
    const viewer = await desk.open(await desk.vv());
    const asked = Date.now();
    kerbside.program.child.kill('SIGTERM');
    await waitFor('503 of the health check', 3000, async () => (await health(desk)) === 503);
    await expect(probeVv(fresh)).rejects.toThrow();
    const { keys } = (await viewer.sees()).state;
    await viewer.type('go on');
    await viewer.sees(({ state }) => state.keys === keys + 5, 3000);
    await waitFor('end of kerbside', (DRAIN_SECONDS + 5) * 1000, () => kerbside.program.ended() !== null);
    expect(kerbside.program.ended()).toBe(0);
    expect(Date.now() - asked).toBeGreaterThan((DRAIN_SECONDS - 1) * 1000);
    await viewer.stop();
  });
});

describe('a second SIGTERM', () => {
  let desk: Desk;

  beforeAll(async () => {
    desk = await start();
  });

  afterAll(async () => {
    await desk.stop();
  });

  it('closes the sessions at once', async () => {
    const { kerbside } = desk.lab;
    const link = await openMain(desk);
    kerbside.program.child.kill('SIGTERM');
    await delay(1000);
    expect(kerbside.program.ended()).toBeNull();
    const asked = Date.now();
    kerbside.program.child.kill('SIGTERM');
    expect((await link.closed) - asked).toBeLessThan(1500);
    await waitFor('end of kerbside', 3000, () => kerbside.program.ended() !== null);
    expect(kerbside.program.ended()).toBe(0);
  });
});
