// SPDX-License-Identifier: Apache-2.0
// Kerbside's processes under signals while real sessions run: a worker dies, the program drains, the program is told twice.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type Desk, startDesk } from '../fixtures/desk.js';
import { probeVv } from '../fixtures/kerbside-process.js';
import { CONSOLE, guestConsole, SOURCE, staticSource } from '../fixtures/lab.js';
import type { ProbeLink } from '../fixtures/link-probe.js';
import { delay, waitFor } from '../fixtures/program.js';
import { type Guest, startGuest } from '../fixtures/qemu.js';

jest.setTimeout(180_000);

const DRAIN_SECONDS = 6;
const OTHER_CONSOLE = '00000000-0000-4000-8000-000000000002';

async function start(): Promise<Desk> {
  return startDesk(() => ({ env: { OS_PROXY__DRAIN_TIMEOUT: `${DRAIN_SECONDS}`, OS_SPICE__WORKERS: '2' } }));
}

async function openMain(desk: Desk, uuid = CONSOLE): Promise<ProbeLink> {
  const result = await probeVv(await desk.vv(uuid));
  if (result.outcome !== 'linked') throw new Error(`no session: ${JSON.stringify(result)}`);
  await result.link.sessionId();
  return result.link;
}

async function health(desk: Desk): Promise<number> {
  return (await fetch(`${desk.lab.kerbside.apiUrl}/healthcheck`)).status;
}

describe('a relay worker that is killed', () => {
  let desk: Desk;
  let second: Guest;

  beforeAll(async () => {
    desk = await startDesk(async (dir) => {
      mkdirSync(join(dir, 'second'));
      second = await startGuest({ dir: join(dir, 'second') });
      const other = guestConsole(second, { uuid: OTHER_CONSOLE, name: 'other' });
      return {
        env: { OS_SPICE__WORKERS: '2' },
        sources: (guest) => [staticSource([guestConsole(guest), other])],
      };
    });
  });

  afterAll(async () => {
    await desk.stop();
    await second.stop();
  });

  async function workerOf(uuid: string): Promise<number> {
    const sessions = Object.values(await desk.lab.kerbside.sessions());
    return sessions.find((session) => session.uuid === uuid)!.channels[0]!.pid;
  }

  // The kernel decides which worker accepts, so the second session is opened until it is on the other one.
  async function openOnAnother(victim: number): Promise<ProbeLink> {
    return waitFor('session on another worker', async () => {
      const link = await openMain(desk, OTHER_CONSOLE);
      if ((await workerOf(OTHER_CONSOLE)) !== victim) return link;
      link.close();
      return null;
    });
  }

  it('ends its own sessions only, and is replaced', async () => {
    const { kerbside } = desk.lab;
    const link = await openMain(desk);
    const victim = await workerOf(CONSOLE);
    expect(victim).not.toBe(kerbside.program.pid);
    const spared = await openOnAnother(victim);

    process.kill(victim, 'SIGKILL');
    await link.closed;
    await waitFor('end of the session', async () => {
      const sessions = Object.values(await kerbside.sessions());
      return sessions.every(({ uuid }) => uuid !== CONSOLE);
    });
    expect(await Promise.race([spared.closed, delay(1000).then(() => 'open')])).toBe('open');

    expect(kerbside.program.ended()).toBeNull();
    await waitFor('two workers', async () => /^kerbside_proxy_workers 2$/m.test(await kerbside.metrics()));
    expect((await desk.screenshot(await desk.vv())).image).not.toBeNull();
    expect((await kerbside.audit(SOURCE, CONSOLE)).some((message) => message.includes('worker died'))).toBe(
      true,
    );
    expect(await Promise.race([spared.closed, delay(100).then(() => 'open')])).toBe('open');
    spared.close();
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
    await waitFor('503 of the health check', async () => (await health(desk)) === 503);
    await expect(probeVv(fresh)).rejects.toThrow();
    const { keys } = (await viewer.sees()).state;
    await viewer.type('go on');
    await viewer.sees(({ state }) => state.keys === keys + 5, 3000);
    await waitFor('end of kerbside', () => kerbside.program.ended() !== null, {
      giveUpMs: (DRAIN_SECONDS + 5) * 1000,
    });
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
    await waitFor('end of kerbside', () => kerbside.program.ended() !== null);
    expect(kerbside.program.ended()).toBe(0);
  });
});
