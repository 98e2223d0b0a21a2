// SPDX-License-Identifier: Apache-2.0
// A real desktop is recorded through Kerbside with a real viewer, and played back to one: the picture is the same, pixel for
// pixel, and what was typed is on it and not in the recording.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { differingPixels, type Image } from '../boot-target/image.js';
import { CHANNEL } from '../../src/console/spice/constants.js';
import { startDesk, type Desk } from '../fixtures/desk.js';
import { guestConsole, staticSource } from '../fixtures/lab.js';
import { type Program, startProgram, waitFor, waitForOutput } from '../fixtures/program.js';
import {
  readRecording,
  recordingFolder,
  recordingKeys,
  recordingsIn,
  type RecordingKeys,
} from '../fixtures/recordings.js';
import { spicyScreenshot, startViewer, type Viewer } from '../fixtures/x11.js';

jest.setTimeout(180_000);

const TYPED = 'kvm spice';

let desk: Desk;
let keys: RecordingKeys;
let path: string;
let session: string;
let live: Image;

beforeAll(async () => {
  desk = await startDesk((dir) => {
    mkdirSync(dir, { recursive: true });
    keys = recordingKeys(dir);
    path = recordingFolder(join(dir, 'recordings'));
    return {
      guest: { allChannels: true },
      sources: (guest) => [{ ...staticSource([guestConsole(guest)]), record: true }],
      env: {
        OS_RECORDING__PATH: path,
        OS_RECORDING__PUBLIC_KEY: keys.publicKey,
        OS_SPICE__WORKERS: '2',
      },
    };
  });
  const vv = await desk.vv();
  session = desk.lab.kerbside.sessionId(vv);
  const viewer = await desk.open(vv);
  await viewer.type(TYPED);
  await viewer.sees(({ state }) => state.keys === TYPED.length);
  live = await viewer.guestScreen();
  await viewer.stop();
  await waitFor('the end of the recording', () => recordingsIn(path)[0]?.endsWith('.kerbrec') === true);
});

afterAll(async () => {
  await desk.stop();
});

/** Plays the recording, and gives the port where. */
async function replay(
  name: string,
  ...words: string[]
): Promise<{ readonly player: Program; readonly port: number }> {
  const args = ['dist/cmd/manage.js', 'recording', 'replay', session, '--private-key', keys.file];
  const player = await startProgram(process.execPath, [...args, '--path', path, ...words], {
    logFile: join(desk.dir, `${name}.log`),
  });
  await waitForOutput(player, 'waiting for a viewer');
  const [, port = ''] = /127\.0\.0\.1:(\d+)/.exec(player.output()) ?? [];
  return { player, port: Number(port) };
}

function viewerOf(port: number): Promise<Viewer> {
  const vv = `[virt-viewer]\ntype=spice\nhost=127.0.0.1\nport=${port}\n`;
  return startViewer(desk.x, vv, join(desk.dir, `viewer-of-${port}`));
}

describe('a recorded desktop', () => {
  it('is played to remote-viewer pixel for pixel as it was', async () => {
    const { player, port } = await replay('stay', '--speed', '20', '--stay');
    const viewer = await viewerOf(port);
    await viewer.sees(({ state }) => state.keys === TYPED.length);
    const shown = await viewer.guestScreen();
    expect(differingPixels(live, shown)).toBe(0);
    await viewer.stop();
    await waitFor('the end of the replay', () => player.ended() !== null);
    expect(player.ended()).toBe(0);
  });

  it('ends with the viewer told', async () => {
    const { player, port } = await replay('end', '--speed', '20');
    const viewer = await viewerOf(port);
    await waitFor('the end of the replay', () => player.ended() !== null);
    expect(player.output()).toContain('the recording has ended');
    await waitFor('the end of the viewer', () => viewer.program.ended() !== null);
  });

  it('stands and goes on by the keys of the viewer', async () => {
    const { player, port } = await replay('keys', '--speed', '0.5', '--stay');
    const viewer = await viewerOf(port);
    await viewer.sees();
    await viewer.key('space');
    await waitForOutput(player, 'paused');
    await viewer.key('space');
    await viewer.key('Right');
    await viewer.key('Right');
    await waitForOutput(player, 'at ');
    await viewer.sees(({ state }) => state.keys === TYPED.length);
    await viewer.stop();
    await waitFor('the end of the replay', () => player.ended() !== null);
  });

  it('is played to spicy-screenshot as well', async () => {
    const { player, port } = await replay('spicy', '--speed', '1000', '--stay');
    const { image } = await spicyScreenshot({ host: '127.0.0.1', port, password: null }, desk.dir);
    expect(image).toMatchObject({ width: live.width, height: live.height });
    await waitFor('the end of the replay', () => player.ended() !== null);
  });

  it('holds the motion of the pointer and no key', async () => {
    const [file = ''] = recordingsIn(path);
    const { entries, outcome } = await readRecording(file, keys.privateKey);
    expect(outcome).toEqual({ complete: true, fault: null });
    const inputs = entries.flatMap((entry) =>
      entry.kind === 'channel' && entry.facts.type === CHANNEL.inputs ? [entry.channel] : [],
    );
    const types = entries.flatMap((entry) =>
      entry.kind === 'message' && entry.way === 'up' && inputs.includes(entry.channel) ? [entry.type] : [],
    );
    expect(types.filter((type) => type >= 101 && type <= 104)).toEqual([]);
    expect(types.length).toBeGreaterThan(0);
  });
});
