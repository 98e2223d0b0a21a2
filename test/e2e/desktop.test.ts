// SPDX-License-Identifier: Apache-2.0
// A real desktop through Kerbside: picture, keys, every channel, and motion without a stall.
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { scancodesOf } from '../boot-target/decode.js';
import { differingPixels, readPpm } from '../boot-target/image.js';
import { type Desk, startDesk } from '../fixtures/desk.js';
import { CONSOLE, SOURCE } from '../fixtures/lab.js';
import { delay, waitFor } from '../fixtures/program.js';
import { spicyScreenshot, type Viewer } from '../fixtures/x11.js';

jest.setTimeout(180_000);

// SPICE channel types (enums.h of spice-protocol)
const CHANNEL = { main: 1, display: 2, inputs: 3, cursor: 4, playback: 5, record: 6, usbredir: 9, port: 10 };

let desk: Desk;

beforeAll(async () => {
  // Nothing listens on the plain port: clients must not need it.
  const env = { OS_SPICE__ENABLE_INSECURE_PORT: 'false' };
  desk = await startDesk(() => ({ guest: { allChannels: true }, env }));
});

afterAll(async () => {
  await desk.stop();
});

describe('spicy-screenshot through Kerbside', () => {
  it('takes the picture that it takes without Kerbside, pixel for pixel', async () => {
    const { guest } = desk.lab;
    const direct = await spicyScreenshot(
      { host: guest.address, port: guest.port, password: guest.password },
      desk.dir,
    );
    const through = await desk.screenshot(await desk.vv());
    expect(direct.image).not.toBeNull();
    expect(through.log).not.toContain('WARNING');
    expect(differingPixels(direct.image!, through.image!)).toBe(0);
  });

  it('leaves the session list within 5 seconds of its end', async () => {
    const vv = await desk.vv();
    await desk.screenshot(vv);
    await waitFor(
      'empty session list',
      async () => Object.keys(await desk.lab.kerbside.sessions()).length === 0,
    );
  });
});

describe('remote-viewer through Kerbside', () => {
  let viewer: Viewer;
  let session: string;

  beforeAll(async () => {
    const vv = await desk.vv();
    session = desk.lab.kerbside.sessionId(vv);
    viewer = await desk.open(vv);
  });

  afterAll(async () => {
    await viewer.stop();
  });

  it('opens every channel that the guest offers', async () => {
    const wanted = [...Object.keys(CHANNEL).map((name) => `${name}:0`), 'usbredir:1'].sort();
    const opened = await waitFor('channels', async () => {
      const channels = (await desk.lab.kerbside.sessions())[session]?.channels ?? [];
      return channels.length >= wanted.length ? channels : null;
    });
    expect(opened.map(({ channel_type, channel_id }) => `${channel_type}:${channel_id}`).sort()).toEqual(
      wanted,
    );
    const ids = new Set(
      opened.filter(({ channel_type }) => channel_type !== 'main').map((one) => one.connection_id),
    );
    expect(ids.size).toBe(1);
  });

  it('brings typed keys to the guest and their picture back', async () => {
    const text = 'the quick brown';
    await viewer.type(text);
    const expected = scancodesOf(text);
    await viewer.sees(
      ({ state }) => state.scancodes.slice(-expected.length).join() === expected.join(),
      5000,
    );
    const typed = desk.lab.guest.serial().filter((line) => line.startsWith('KEY '));
    expect(typed.map((line) => parseInt(line.slice(4), 16)).slice(-expected.length)).toEqual(expected);
  });

  it('shows what the guest shows, pixel for pixel, once the guest is still', async () => {
    const shown = await viewer.guestScreen();
    const { guest } = desk.lab;
    const dump = `${desk.dir}/screendump.ppm`;
    await guest.qmp('screendump', { filename: dump });
    expect(differingPixels(shown, readPpm(readFileSync(dump)))).toBe(0);
  });

  it('shows motion for 5 seconds without a stall', async () => {
    await viewer.key('F1');
    await viewer.sees(({ state }) => state.animating, 5000);
    const frames: { at: number; frame: number }[] = [];
    const end = Date.now() + 5000;
    while (Date.now() < end) {
      await delay(40);
      const { state } = await viewer.sees();
      if (state.frame !== frames.at(-1)?.frame) frames.push({ at: Date.now(), frame: state.frame });
    }
    await viewer.key('F1');
    const gaps = frames.slice(1).map(({ at }, index) => at - frames[index]!.at);
    expect(frames.length).toBeGreaterThan(20);
    expect(Math.max(...gaps)).toBeLessThan(1500);
    await desk.lab.guest.serialLine(/^ANIMATE off/);
  });

  it('always shows the last frame, however often the motion stops', async () => {
    const { guest } = desk.lab;
    for (let round = 0; round < 8; round++) {
      const before = guest.serial().length;
      await guest.key('f1');
      await delay(150 + round * 37);
      await guest.key('f1');
      const last = await waitFor('end of the motion', () =>
        guest
          .serial()
          .slice(before)
          .find((line) => line.startsWith('ANIMATE off')),
      );
      const frame = Number(last.split(' ')[2]);
      await viewer.sees(({ state }) => state.frame === frame && !state.animating, 2000);
    }
  });

  it('is recorded in the audit from the token to every channel, and its end with it', async () => {
    await viewer.stop();
    const { kerbside } = desk.lab;
    await waitFor('empty session list', async () => Object.keys(await kerbside.sessions()).length === 0);
    const messages = await kerbside.audit(SOURCE, CONSOLE);
    for (const message of [
      'Created authentication token for session.',
      'Channel created',
      'Hypervisor connection successful',
    ]) {
      expect(messages).toContain(message);
    }
    expect(messages.some((message) => /clos/i.test(message))).toBe(true);
  });
});
