// SPDX-License-Identifier: Apache-2.0
// A session whose user was away and came back, and that two nodes carried, is played as one: take after take, to a viewer that
// is sent on from one to the next.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { CLIENT_MESSAGE, SERVER_MESSAGE } from '../../../src/console/spice/message-types.js';
import { mainInit } from '../../../src/console/spice/screen-messages.js';
import { listRecordings } from '../../../src/recording/recording-folder.js';
import { replayRecording } from '../../../src/recording/replay/replay.js';
import { SessionRecording } from '../../../src/recording/session-recording.js';
import { waitFor } from '../../fixtures/program.js';
import {
  recordingFolder,
  recordingKeys,
  recordingMetadata,
  recordingParts,
} from '../../fixtures/recordings.js';
import { scratchFolder } from '../../fixtures/scratch.js';
import { SpiceClient } from '../../fixtures/spice-client.js';
import { encodeMessage } from '../../fixtures/spice-messages.js';

const { DRAW_FILL, MARK } = SERVER_MESSAGE.display;
const { INIT, CHANNELS_LIST, MIGRATE_SWITCH_HOST } = SERVER_MESSAGE.main;

const folder = scratchFolder('kerbside-replay-');
const keys = recordingKeys(folder);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const watcher = { wrote: () => undefined, gap: () => undefined, failed: () => undefined };

/** What a node has recorded of a generation: a main channel on one, a display with `pictures` drawings. */
async function recordTake(
  path: string,
  node: string,
  generation: number,
  beginMs: number,
  pictures: number,
): Promise<void> {
  const metadata = recordingMetadata({ node, begin: beginMs * 1000 });
  const recording = new SessionRecording(metadata, recordingParts(path, keys.publicKey), watcher);
  const facts = { generation, clientCaps: [], backendCaps: [0], id: 0 };
  const main = recording.begin({ ...facts, type: 1 }, true, beginMs);
  const init = mainInit({ sessionId: 77, agentTokens: 10 });
  const send = (channel: number, type: number, body: Buffer, at: number): void =>
    recording.push(channel, 'down', encodeMessage(type, body, { miniHeader: true }), at);
  send(main, INIT, init, beginMs);
  const display = recording.begin({ ...facts, type: 2 }, true, beginMs + 10);
  for (let drawn = 0; drawn < pictures; drawn += 1)
    send(display, DRAW_FILL, Buffer.alloc(40, 10 * generation + drawn), beginMs + 20 + drawn);
  send(display, MARK, Buffer.alloc(0), beginMs + 60);
  await recording.end('done', beginMs + 70);
}

describe('a session with a reconnect', () => {
  it('is played take after take, each with what belongs to it', async () => {
    const path = recordingFolder(join(folder, 'two'));
    await recordTake(path, 'n2', 2, 1_700_000_100_000, 5);
    await recordTake(path, 'n1', 1, 1_700_000_000_000, 3);
    const parts = await listRecordings(path);
    expect(parts.map(({ metadata }) => metadata.node)).toEqual(['n1', 'n2']);

    const said: string[] = [];
    const options = { port: 0, speed: 1, from: 0, stay: false };
    const done = replayRecording({
      ...{ ...options, parts, key: keys.privateKey },
      say: (line) => said.push(line),
    });
    const port = await waitFor('the port of the replay', () => /127\.0\.0\.1:(\d+)/.exec(said[0] ?? '')?.[1]);
    for (const [generation, pictures] of [
      [1, 3],
      [2, 5],
    ] as const) {
      const viewer = new SpiceClient({ port: Number(port), password: '' });
      const main = await viewer.openMain();
      main.send(CLIENT_MESSAGE.main.ATTACH_CHANNELS, Buffer.alloc(0));
      await main.waitFor(CHANNELS_LIST);
      const display = await viewer.open('display');
      await display.waitFor(MARK);
      expect(display.messages.filter(({ type }) => type === DRAW_FILL).map(({ body }) => body[0])).toEqual(
        Array.from({ length: pictures }, (_none, drawn) => 10 * generation + drawn),
      );
      await main.waitFor(generation === 1 ? MIGRATE_SWITCH_HOST : SERVER_MESSAGE.common.NOTIFY);
      if (generation === 2) await main.closed;
      await viewer.close();
    }
    await done;
    expect(said).toContain('the recording has ended');
    expect(said.filter((line) => line.startsWith('playing'))).toHaveLength(2);
  });
});
