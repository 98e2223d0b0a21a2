// SPDX-License-Identifier: Apache-2.0
// What real servers, clients and guests have said passes without a verdict, with either kind of header and however it is cut;
// and a fault is found wherever it is cut.
import { describe, expect, it } from '@jest/globals';
import type { Direction } from '../../../../src/console/relay/stage.js';
import { CHANNEL, type ChannelName } from '../../../../src/console/spice/constants.js';
import { captured, captures } from '../../../fixtures/captures.js';
import type { PipelineScene } from '../../../fixtures/channel-pipeline.js';
import { firewallScene } from '../../../fixtures/firewall-scene.js';
import { encodeMessage } from '../../../fixtures/spice-messages.js';

interface Said {
  readonly name: string;
  readonly channel: ChannelName;
  readonly direction: Direction;
  readonly type: number;
  readonly body: Buffer;
}

const SAID: readonly Said[] = captures.messages.map((entry) => ({
  name: entry.name,
  channel: entry.channel as ChannelName,
  direction: entry.dir === 'c2s' ? 'up' : 'down',
  type: entry.type,
  body: captured(entry).subarray(6),
}));
const CHANNELS = (Object.keys(CHANNEL) as ChannelName[]).filter((name) =>
  SAID.some(({ channel }) => channel === name),
);
const HEADERS = [
  ['mini', true],
  ['full', false],
] as const;

/** Everything that was said on a channel in one direction, in one stream. */
function streamOf(name: ChannelName, direction: Direction, miniHeader: boolean): Buffer {
  const said = SAID.filter((one) => one.channel === name && one.direction === direction);
  return Buffer.concat(
    said.map(({ type, body }, index) => encodeMessage(type, body, { miniHeader, serial: BigInt(index + 1) })),
  );
}

function expectCarried(scene: PipelineScene, direction: Direction, bytes: Buffer): void {
  expect([scene.faults, scene.pipeline.verdicts()]).toEqual([[], []]);
  expect(scene[direction].bytes.equals(bytes)).toBe(true);
}

describe.each(HEADERS)('what was recorded, with %s headers', (_which, miniHeader) => {
  it.each(CHANNELS)('passes on the %s channel, cut at every byte', async (name) => {
    for (const direction of ['down', 'up'] as const) {
      const bytes = streamOf(name, direction, miniHeader);
      for (let at = 0; at <= bytes.length; at += 1) {
        const scene = firewallScene(name, {}, { miniHeader });
        await scene.send(direction, bytes.subarray(0, at), bytes.subarray(at));
        expectCarried(scene, direction, bytes);
      }
      const scene = firewallScene(name, {}, { miniHeader });
      await scene.send(direction, ...Array.from(bytes, (byte) => Buffer.from([byte])));
      expectCarried(scene, direction, bytes);
    }
  });

  it.each(SAID)('is refused where $name has a type that its channel does not have', async (said) => {
    const scene = firewallScene(said.channel, {}, { miniHeader });
    const bytes = encodeMessage(300, said.body, { miniHeader });
    await scene.send(said.direction, ...Array.from(bytes, (byte) => Buffer.from([byte])));
    expect(scene.pipeline.verdicts().map(({ rule, count }) => [rule, count])).toEqual([
      ['disallowed_type', 1],
    ]);
    expect(scene.messages(said.direction)).toEqual([]);
  });
});

describe('a fault in a body', () => {
  it.each(HEADERS)('is found wherever its message is cut, with %s headers', async (_which, miniHeader) => {
    const monitors = SAID.find(({ name }) => name === 'main-agent-monitors-config');
    const body = Buffer.from(monitors?.body ?? '');
    body.writeUInt32LE(3, 20);
    const bytes = encodeMessage(monitors?.type ?? 0, body, { miniHeader });
    for (let at = 0; at <= bytes.length; at += 1) {
      const scene = firewallScene('main', {}, { miniHeader });
      await scene.send('up', bytes.subarray(0, at), bytes.subarray(at));
      expect(scene.pipeline.verdicts().map(({ rule }) => rule)).toEqual(['monitors_config']);
      expect(scene.up.bytes).toHaveLength(0);
    }
  });
});
