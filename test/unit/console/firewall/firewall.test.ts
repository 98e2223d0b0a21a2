// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { ConnectionEnded } from '../../../../src/console/connection/ends.js';
import { Firewall } from '../../../../src/console/firewall/firewall.js';
import type { SessionSettings } from '../../../../src/console/ipc.js';
import { CHANNEL, type ChannelName } from '../../../../src/console/spice/constants.js';
import { PipelineScene } from '../../../fixtures/channel-pipeline.js';
import { encodeMessage } from '../../../fixtures/spice-messages.js';
import { sessionSettings } from '../../../fixtures/session-settings.js';

const KEY_DOWN = 101;
const UNKNOWN = 200;

function settings(
  mode: SessionSettings['firewall']['mode'],
  ...permittedChannels: ChannelName[]
): SessionSettings {
  return sessionSettings({ firewall: { mode, permittedChannels } });
}

function inputs(mode: SessionSettings['firewall']['mode']): PipelineScene {
  const firewall = new Firewall(CHANNEL.inputs, settings(mode), 1 << 20);
  return new PipelineScene({ up: [firewall], down: [firewall] }, { channel: 'inputs' }).start();
}

const frame = (type: number, length = 4): Buffer =>
  encodeMessage(type, Buffer.alloc(length), { miniHeader: true });

describe('the firewall', () => {
  it('lets known messages pass, and ends the channel at another one before the backend sees it', async () => {
    const scene = inputs('enforce');
    await scene.send('up', frame(KEY_DOWN));
    expect(scene.types('up')).toEqual([KEY_DOWN]);
    await scene.send('up', frame(UNKNOWN));
    expect(scene.types('up')).toEqual([KEY_DOWN]);
    expect(scene.faults).toEqual([
      new ConnectionEnded('client broke the protocol', 'message type 200 is not allowed on this channel'),
    ]);
    expect(scene.pipeline.verdicts()).toEqual([
      {
        ...{ channel: 'inputs', direction: 'client_to_server', rule: 'disallowed_type' },
        ...{ action: 'enforced', count: 1 },
      },
    ]);
  });

  it('only counts unknown messages in warn mode, by direction, those of the client first', async () => {
    const scene = inputs('warn');
    await scene.send('down', frame(UNKNOWN));
    await scene.send('up', frame(UNKNOWN), frame(UNKNOWN));
    expect([scene.types('up'), scene.faults]).toEqual([[UNKNOWN, UNKNOWN], []]);
    expect(
      scene.pipeline.verdicts().map(({ direction, action, count }) => [direction, action, count]),
    ).toEqual([
      ['client_to_server', 'observed', 2],
      ['server_to_client', 'observed', 1],
    ]);
  });

  it.each(['enforce', 'warn'] as const)('ends the channel at an absurd body in %s mode too', async (mode) => {
    const scene = inputs(mode);
    await scene.send('up', frame(KEY_DOWN, 4097));
    expect(scene.faults).toEqual([
      new ConnectionEnded('client broke the protocol', 'message size is 4097, the limit is 4096'),
    ]);
    expect(scene.pipeline.verdicts().map(({ rule, action }) => [rule, action])).toEqual([
      ['size_cap', mode === 'enforce' ? 'enforced' : 'observed'],
    ]);
  });

  it('lets a message with a broken body pass in warn mode, and counts it', async () => {
    const scene = inputs('warn');
    await scene.send(
      'up',
      encodeMessage(KEY_DOWN, Buffer.from([0xe0, 0, 0, 0]), { miniHeader: true }),
      frame(KEY_DOWN, 2),
    );
    expect([scene.types('up'), scene.faults]).toEqual([[KEY_DOWN, KEY_DOWN], []]);
    expect(scene.pipeline.verdicts().map(({ rule, action, count }) => [rule, action, count])).toEqual([
      ['key_scancode', 'observed', 1],
      ['body_size', 'observed', 1],
    ]);
  });

  it('looks at nothing but absurd sizes when it is off', async () => {
    const scene = inputs('off');
    await scene.send('up', frame(UNKNOWN), frame(KEY_DOWN, 4096));
    expect([scene.types('up'), scene.faults, scene.pipeline.verdicts()]).toEqual([
      [UNKNOWN, KEY_DOWN],
      [],
      [],
    ]);
    await scene.send('up', frame(KEY_DOWN, 4097));
    expect([scene.faults.length, scene.pipeline.verdicts()]).toEqual([1, []]);
  });

  it('takes up another mode with the next message', async () => {
    const scene = inputs('enforce');
    scene.pipeline.useSettings(settings('warn'));
    await scene.send('up', frame(UNKNOWN));
    expect(scene.types('up')).toEqual([UNKNOWN]);
    scene.pipeline.useSettings(settings('enforce'));
    await scene.send('up', frame(UNKNOWN));
    expect([scene.types('up'), scene.faults.length]).toEqual([[UNKNOWN], 1]);
  });

  it('ends a channel that is permitted no longer', () => {
    const scene = inputs('enforce');
    scene.pipeline.useSettings(settings('enforce', 'main', 'inputs'));
    expect(scene.faults).toEqual([]);
    scene.pipeline.useSettings(settings('enforce', 'main'));
    expect(scene.faults).toEqual([
      new ConnectionEnded('channel forbidden', 'the policy permits it no longer'),
    ]);
  });
});
