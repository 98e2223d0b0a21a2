// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { ChannelMigration, MAX_STATE_BYTES } from '../../../../src/console/migration/channel-migration.js';
import { CLIENT_MESSAGE, SERVER_MESSAGE } from '../../../../src/console/spice/message-types.js';
import { PipelineScene } from '../../../fixtures/channel-pipeline.js';
import { sessionSettings } from '../../../fixtures/session-settings.js';
import { encodeMessage } from '../../../fixtures/spice-messages.js';

const UP = CLIENT_MESSAGE.common;
const DOWN = SERVER_MESSAGE.common;

type Mode = 'robust' | 'seamless' | 'off';

function settings(mode: Mode): ReturnType<typeof sessionSettings> {
  return sessionSettings({ migration: { mode, allowedHosts: [] } });
}

function scene(mode: Mode, migration: number | null = null) {
  const stage = new ChannelMigration({ migration }, settings(mode));
  const pipeline = new PipelineScene({ up: [stage], down: [stage] }).start();
  const send = (direction: 'up' | 'down', type: number, size: number): Promise<void> =>
    pipeline.send(direction, encodeMessage(type, Buffer.alloc(size, 7), { miniHeader: true }));
  return { pipeline, send };
}

describe('a channel of a seamless migration', () => {
  it('is ended by its hypervisor, which gives its state, and the destination gets that from the client', async () => {
    const source = scene('seamless');
    await source.send('down', DOWN.MIGRATE, 4);
    await source.send('down', DOWN.MIGRATE_DATA, 88);
    expect(source.pipeline.types('down')).toEqual([DOWN.MIGRATE, DOWN.MIGRATE_DATA]);
    const destination = scene('seamless', 3);
    await destination.send('up', UP.MIGRATE_DATA, 88);
    await destination.send('up', UP.ACK, 0);
    expect(destination.pipeline.types('up')).toEqual([UP.MIGRATE_DATA, UP.ACK]);
    expect([...source.pipeline.faults, ...destination.pipeline.faults]).toEqual([]);
  });

  it('goes on where the mode is another one meanwhile', async () => {
    const { pipeline, send } = scene('seamless');
    pipeline.pipeline.useSettings(settings('robust'));
    await send('down', DOWN.MIGRATE, 4);
    expect(pipeline.types('down')).toEqual([DOWN.MIGRATE]);
  });
});

describe('what is forged', () => {
  it.each<[string, Mode, number | null, readonly (readonly ['up' | 'down', number, number])[], string]>([
    ['an end in robust mode', 'robust', null, [['down', DOWN.MIGRATE, 4]], 'migrate'],
    ['an end where no migration is followed', 'off', null, [['down', DOWN.MIGRATE, 4]], 'migrate'],
    [
      ...(['a second end', 'seamless', null] as const),
      [
        ['down', DOWN.MIGRATE, 4],
        ['down', DOWN.MIGRATE, 4],
      ],
      'migrate',
    ],
    ['a state before the end', 'seamless', null, [['down', DOWN.MIGRATE_DATA, 10]], 'migrate_data'],
    [
      ...(['a second state', 'seamless', null] as const),
      [
        ['down', DOWN.MIGRATE, 4],
        ['down', DOWN.MIGRATE_DATA, 10],
        ['down', DOWN.MIGRATE_DATA, 10],
      ],
      'migrate_data',
    ],
    ['a state that nobody asked for', 'seamless', null, [['up', UP.MIGRATE_DATA, 10]], 'migrate_data'],
    [
      ...(['a second state of the client', 'seamless', 3] as const),
      [
        ['up', UP.MIGRATE_DATA, 10],
        ['up', UP.MIGRATE_DATA, 10],
      ],
      'migrate_data',
    ],
    [
      ...(['a state that is too large', 'seamless', 3] as const),
      [['up', UP.MIGRATE_DATA, MAX_STATE_BYTES + 1]],
      'migrate_data',
    ],
  ])('%s ends the channel, and goes nowhere', async (_what, mode, migration, messages, rule) => {
    const { pipeline, send } = scene(mode, migration);
    for (const [direction, type, size] of messages) await send(direction, type, size);
    const [[direction] = ['up'] as const] = messages;
    expect(pipeline.types(direction)).toHaveLength(messages.length - 1);
    expect(pipeline.faults).toHaveLength(1);
    expect(pipeline.pipeline.verdicts()).toMatchObject([{ rule, action: 'enforced', count: 1 }]);
  });
});
