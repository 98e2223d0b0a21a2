// SPDX-License-Identifier: Apache-2.0
// The life of a session with real clients: one main channel at a time, reconnect, terminate, a backend that dies.
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type Desk, startDesk } from '../fixtures/desk.js';
import { probeVv } from '../fixtures/kerbside-process.js';
import { CONSOLE, guestConsole, SOURCE, staticSource } from '../fixtures/lab.js';
import type { ProbeLink, ProbeResult } from '../fixtures/link-probe.js';
import { delay, waitFor } from '../fixtures/program.js';
import type { VvFile } from '../fixtures/vv-file.js';

jest.setTimeout(180_000);

const DENIED = { outcome: 'refused', result: 7 };
const DEAD_CONSOLE = '00000000-dead-4000-8000-000000000001';

let desk: Desk;

beforeAll(async () => {
  desk = await startDesk(() => ({
    env: { OS_CONSOLE__RECONNECT_GRACE: '4', OS_CONSOLE__TOKEN_TTL: '12' },
    sources: (guest) => [
      staticSource([
        guestConsole(guest),
        guestConsole(guest, { uuid: DEAD_CONSOLE, name: 'dead', insecure_port: 9 }),
      ]),
    ],
  }));
});

afterAll(async () => {
  await desk.stop();
});

afterEach(async () => {
  for (const link of links.splice(0)) link.close();
  await waitFor(
    'empty session list',
    async () => Object.keys(await desk.lab.kerbside.sessions()).length === 0,
  );
});

const links: ProbeLink[] = [];

function linked(result: ProbeResult): ProbeLink {
  if (result.outcome !== 'linked')
    throw new Error(`expected a linked channel, got ${JSON.stringify(result)}`);
  links.push(result.link);
  return result.link;
}

async function closedWithin(link: ProbeLink, ms: number): Promise<boolean> {
  return Promise.race([link.closed.then(() => true), delay(ms).then(() => false)]);
}

describe('a session', () => {
  it('admits its other channels by the id of MAIN_INIT and its token, and closes them with the main channel', async () => {
    const vv = await desk.vv();
    const main = linked(await probeVv(vv));
    const connectionId = await main.sessionId();
    // No display channel: spice-server holds all of QEMU until a display client has said DISPLAY_INIT.
    const cursor = linked(await probeVv(vv, { channelType: 4, connectionId }));
    const inputs = linked(await probeVv(vv, { channelType: 3, connectionId }));
    expect((await probeVv(vv, { channelType: 4, connectionId: (connectionId ^ 1) >>> 0 })).outcome).not.toBe(
      'linked',
    );
    const other = await desk.vv();
    expect((await probeVv(other, { channelType: 4, connectionId })).outcome).not.toBe('linked');
    main.close();
    expect(await closedWithin(cursor, 3000)).toBe(true);
    expect(await closedWithin(inputs, 3000)).toBe(true);
  });

  it('refuses a second main channel while the first lives', async () => {
    const vv = await desk.vv();
    const main = linked(await probeVv(vv));
    await main.sessionId();
    expect((await probeVv(vv)).outcome).toBe('refused');
    expect(await closedWithin(main, 500)).toBe(false);
    main.close();
  });

  it('is taken over by a second user, who has a token of his own', async () => {
    const first = linked(await probeVv(await desk.vv()));
    await first.sessionId();
    const second = linked(await probeVv(await desk.vv()));
    await second.sessionId();
    expect(await closedWithin(first, 3000)).toBe(true);
    expect(await closedWithin(second, 500)).toBe(false);
  });

  it('is continued by remote-viewer with the same file within the grace, and by nobody after it', async () => {
    const vv = await desk.vv();
    const first = await desk.open(vv);
    await first.stop();
    await delay(500);
    const second = await desk.open(vv);
    await second.stop();
    await delay(5500);
    expect(await probeVv(vv)).toMatchObject(DENIED);
  });

  it('is not started by a token that expired', async () => {
    const vv = await expired(await desk.vv());
    expect(await probeVv(vv)).toMatchObject(DENIED);
    expect((await desk.screenshot(vv)).image).toBeNull();
  });
});

async function expired(vv: VvFile): Promise<VvFile> {
  await delay(Math.max(0, Number(vv.values.get('ticket-valid-until')) * 1000 + 1500 - Date.now()));
  return vv;
}

describe('terminate', () => {
  it('ends a session within a second: remote-viewer is gone, its token spent', async () => {
    const { kerbside } = desk.lab;
    const vv = await desk.vv();
    const viewer = await desk.open(vv);
    const asked = Date.now();
    expect((await kerbside.terminate(kerbside.sessionId(vv))).status).toBe(200);
    await waitFor('empty session list', async () => Object.keys(await kerbside.sessions()).length === 0, {
      everyMs: 20,
    });
    expect(Date.now() - asked).toBeLessThan(1500);
    expect(await probeVv(vv)).toMatchObject(DENIED);
    await viewer.stop();
    expect(await kerbside.audit(SOURCE, CONSOLE)).toContain('Session terminated by request');
  });

  it('of a console ends all of its sessions and leaves other consoles alone', async () => {
    const { kerbside } = desk.lab;
    const vv = await desk.vv();
    const main = linked(await probeVv(vv));
    await main.sessionId();
    await kerbside.api('POST', `/console/${SOURCE}/${DEAD_CONSOLE}/terminate`);
    expect(await closedWithin(main, 1000)).toBe(false);
    const answer = await kerbside.api('POST', `/console/${SOURCE}/${CONSOLE}/terminate`);
    expect(answer.status).toBe(200);
    expect(await closedWithin(main, 1000)).toBe(true);
    expect(answer.body).not.toContain(vv.password);
  });
});

describe('a backend that is away', () => {
  it('closes the connection without a result, so that no client asks for a password', async () => {
    const vv = await desk.vv(DEAD_CONSOLE);
    const asked = Date.now();
    expect(await probeVv(vv)).toEqual({ outcome: 'closed' });
    expect(Date.now() - asked).toBeLessThan(11_000);
    const messages = await waitFor('audit of the failure', async () => {
      const all = await desk.lab.kerbside.audit(SOURCE, DEAD_CONSOLE);
      const failures = all.filter((message) => message.startsWith('Hypervisor connection failed: '));
      return failures.length > 0 ? failures : null;
    });
    expect(messages).toHaveLength(1);
    expect(await desk.lab.kerbside.metrics()).toMatch(
      /^kerbside_proxy_backend_failures_total\{reason="refused"\} 1$/m,
    );
  });

  // The last test: the guest does not survive it.
  it('ends remote-viewer when it is killed in the middle of a session', async () => {
    const viewer = await desk.open(await desk.vv());
    desk.lab.guest.program.child.kill('SIGKILL');
    await waitFor(
      'end of the desktop',
      async () => viewer.program.ended() !== null || (await viewer.windows()).length === 0,
    );
    await viewer.stop();
    const messages = await desk.lab.kerbside.audit(SOURCE, CONSOLE);
    expect(messages.some((message) => /backend (closed|connection lost)/.test(message))).toBe(true);
  });
});
