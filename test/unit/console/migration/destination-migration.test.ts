// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { ConnectionEnded } from '../../../../src/console/connection/ends.js';
import type { Grant } from '../../../../src/console/ipc.js';
import { DestinationMigration } from '../../../../src/console/migration/destination-migration.js';
import { CLIENT_MESSAGE } from '../../../../src/console/spice/message-types.js';
import { aTurn, PipelineScene } from '../../../fixtures/channel-pipeline.js';
import { encodeMessage } from '../../../fixtures/spice-messages.js';

const { MIGRATE_DATA } = CLIENT_MESSAGE.common;
const { MIGRATE_DST_DO_SEAMLESS, MIGRATE_END, MOUSE_MODE_REQUEST } = CLIENT_MESSAGE.main;

function scene(migration: number | null, fault?: Error) {
  const over: string[] = [];
  let letGo = (): void => undefined;
  const known = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const stage = new DestinationMigration({ connectionRef: 'ref', migration } as Grant, {
    goOver: async ({ connectionRef }) => {
      over.push(connectionRef);
      if (fault !== undefined) throw fault;
      await known;
    },
    migrate: () => Promise.reject(new Error('not expected')),
    clientReady: () => Promise.resolve(true),
    happened: () => undefined,
    withheld: () => undefined,
  });
  const pipeline = new PipelineScene({ up: [stage] }).start();
  const send = (type: number, size = 0): Promise<void> =>
    pipeline.send('up', encodeMessage(type, Buffer.alloc(size), { miniHeader: true }));
  return { over, letGo, pipeline, send };
}

describe('the main channel to a destination', () => {
  it.each([
    ['with its state', MIGRATE_DATA, 65],
    ['by the end of a migration', MIGRATE_END, 0],
  ])('goes over %s, once the records know', async (_how, type, size) => {
    const { over, letGo, pipeline, send } = scene(3);
    await send(MIGRATE_DST_DO_SEAMLESS, 4);
    await send(type, size);
    expect(pipeline.types('up')).toEqual([MIGRATE_DST_DO_SEAMLESS]);
    expect(over).toEqual(['ref']);
    letGo();
    await aTurn();
    await send(MOUSE_MODE_REQUEST, 2);
    expect(pipeline.types('up')).toEqual([MIGRATE_DST_DO_SEAMLESS, type, MOUSE_MODE_REQUEST]);
    // Once.
    await send(type, size);
    expect(pipeline.pipeline.verdicts()).toMatchObject([{ rule: 'migrate_data', action: 'enforced' }]);
  });

  it('ends when the migration was given up meanwhile', async () => {
    const { pipeline, send } = scene(3, new ConnectionEnded('control plane failed', 'given up'));
    await send(MIGRATE_DATA, 65);
    await aTurn();
    expect(pipeline.up.bytes).toHaveLength(0);
    expect(pipeline.faults).toEqual([new ConnectionEnded('control plane failed', 'given up')]);
  });

  it.each([MIGRATE_DATA, MIGRATE_END, MIGRATE_DST_DO_SEAMLESS])(
    'of no migration takes no message %i',
    async (type) => {
      const { over, pipeline, send } = scene(null);
      await send(type, type === MIGRATE_END ? 0 : 4);
      expect([over, pipeline.up.bytes.length, pipeline.faults.length]).toEqual([[], 0, 1]);
    },
  );
});
