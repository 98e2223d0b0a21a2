// SPDX-License-Identifier: Apache-2.0
// The stage that follows migrations, against a control plane whose answers a test sets, with every cut of the bytes.
import { describe, expect, it } from '@jest/globals';
import { ConnectionEnded } from '../../../../src/console/connection/ends.js';
import type { Grant, MigrateReply, SessionSettings } from '../../../../src/console/ipc.js';
import type { MigrationControl } from '../../../../src/console/migration/migration-control.js';
import { SourceMigration } from '../../../../src/console/migration/source-migration.js';
import { CLIENT_MESSAGE, SERVER_MESSAGE } from '../../../../src/console/spice/message-types.js';
import { aTurn, PipelineScene } from '../../../fixtures/channel-pipeline.js';
import { placeBody, placeIn } from '../../../fixtures/migration-bodies.js';
import { sessionSettings } from '../../../fixtures/session-settings.js';
import { encodeMessage } from '../../../fixtures/spice-messages.js';

const { main: MAIN, common: COMMON } = SERVER_MESSAGE;
const UP = CLIENT_MESSAGE.main;
const THERE = { host: '192.0.2.7', port: 5900, tlsPort: 5901, subject: 'CN=hv7' };
const PLACE = { host: 'spice.example.com', tlsPort: 5900, subject: 'CN=Kerbside' };
const KERBSIDE = { ...PLACE, port: 0 };
const GRANT = { connectionRef: 'ref' } as Grant;

type Mode = SessionSettings['migration']['mode'];

class MigrationScene extends PipelineScene {
  readonly told: unknown[] = [];
  reply: MigrateReply | Error = { kind: 'told', place: PLACE };
  /** Whether the destination has failed when the client says that it is ready. */
  destinationFailed: boolean | Error = false;

  constructor(
    mode: Mode,
    private readonly mini = true,
  ) {
    const told: unknown[] = [];
    const control: MigrationControl = {
      migrate: (_grant, { step, mode: how }, { host }) => {
        told.push([step, how, host]);
        return this.reply instanceof Error ? Promise.reject(this.reply) : Promise.resolve(this.reply);
      },
      goOver: () => Promise.resolve(),
      clientReady: () => {
        told.push('client_ready');
        const { destinationFailed: failed } = this;
        return failed instanceof Error ? Promise.reject(failed) : Promise.resolve(!failed);
      },
      happened: (_grant, event) => told.push(event),
      withheld: (_grant, type) => told.push(['withheld', type]),
    };
    const stage = new SourceMigration(GRANT, sessionSettings({ migration: { mode } }), control);
    super({ up: [stage], down: [stage] }, { miniHeader: mini });
    this.told = told;
    this.start();
  }

  frame(type: number, body: Buffer = Buffer.alloc(0)): Buffer {
    return encodeMessage(type, body, { miniHeader: this.mini });
  }

  async push(direction: 'up' | 'down', type: number, body?: Buffer): Promise<void> {
    await this.send(direction, this.frame(type, body));
    await aTurn();
  }
}

describe.each([true, false])('migration (mini headers: %s)', (mini) => {
  it('robust: answers for the client and passes the switch on, however the bytes are cut', async () => {
    const whole = new MigrationScene('robust', mini);
    const stream = Buffer.concat([
      whole.frame(MAIN.MULTI_MEDIA_TIME, Buffer.alloc(4)),
      whole.frame(MAIN.MIGRATE_BEGIN_SEAMLESS, placeBody(THERE, 1)),
      whole.frame(MAIN.MIGRATE_SWITCH_HOST, placeBody(THERE)),
      whole.frame(MAIN.MULTI_MEDIA_TIME, Buffer.alloc(4)),
    ]);
    for (let cut = 0; cut <= stream.length; cut += 1) {
      const scene = new MigrationScene('robust', mini);
      await scene.send('down', stream.subarray(0, cut));
      await scene.send('down', stream.subarray(cut));
      await aTurn();
      expect([cut, scene.types('down')]).toEqual([
        cut,
        [MAIN.MULTI_MEDIA_TIME, MAIN.MIGRATE_SWITCH_HOST, MAIN.MULTI_MEDIA_TIME],
      ]);
      expect(placeIn(scene.messages('down')[1]?.body ?? Buffer.alloc(0))).toEqual(KERBSIDE);
      expect(scene.types('up')).toEqual([UP.MIGRATE_CONNECT_ERROR]);
      expect(scene.told).toEqual([
        ['begin', 'robust', THERE.host],
        ['withheld', MAIN.MIGRATE_BEGIN_SEAMLESS],
        ['switch', 'robust', THERE.host],
      ]);
    }
  });

  it('seamless: passes the beginning on with its version, however the bytes are cut', async () => {
    const stream = new MigrationScene('seamless', mini).frame(
      MAIN.MIGRATE_BEGIN_SEAMLESS,
      placeBody(THERE, 1),
    );
    for (let cut = 0; cut <= stream.length; cut += 1) {
      const scene = new MigrationScene('seamless', mini);
      await scene.send('down', stream.subarray(0, cut));
      await scene.send('down', stream.subarray(cut));
      expect(scene.messages('down').map(({ body }) => body)).toEqual([placeBody(KERBSIDE, 1)]);
      expect(scene.up.bytes).toHaveLength(0);
    }
  });

  it('seamless: passes what follows an announcement, and tells of it', async () => {
    const scene = new MigrationScene('seamless', mini);
    await scene.push('down', MAIN.MIGRATE_BEGIN_SEAMLESS, placeBody(THERE, 1));
    await scene.push('up', UP.MIGRATE_CONNECTED_SEAMLESS);
    await scene.push('down', COMMON.MIGRATE, Buffer.from([3, 0, 0, 0]));
    expect(scene.types('up')).toEqual([UP.MIGRATE_CONNECTED_SEAMLESS]);
    expect(scene.types('down')).toEqual([MAIN.MIGRATE_BEGIN_SEAMLESS, COMMON.MIGRATE]);
    expect(scene.told.slice(1)).toEqual(['client_ready', 'moved']);
  });

  it.each([true, new ConnectionEnded('control plane failed')])(
    'seamless: tells both sides to stay where the destination has failed (%s)',
    async (failed) => {
      const scene = new MigrationScene('seamless', mini);
      await scene.push('down', MAIN.MIGRATE_BEGIN_SEAMLESS, placeBody(THERE, 1));
      scene.destinationFailed = failed;
      await scene.push('up', UP.MIGRATE_CONNECTED_SEAMLESS);
      expect(scene.types('up')).toEqual([UP.MIGRATE_CONNECT_ERROR]);
      expect(scene.types('down')).toEqual([MAIN.MIGRATE_BEGIN_SEAMLESS, MAIN.MIGRATE_CANCEL]);
      // The guest goes all the same: its client follows when it has gone.
      await scene.push('down', MAIN.MIGRATE_SWITCH_HOST, placeBody(THERE));
      expect(scene.types('down').slice(2)).toEqual([MAIN.MIGRATE_SWITCH_HOST]);
    },
  );

  it('seamless: tells of a cancelled migration, and of a client that could not', async () => {
    const scene = new MigrationScene('seamless', mini);
    await scene.push('down', MAIN.MIGRATE_BEGIN, placeBody(THERE));
    await scene.push('down', MAIN.MIGRATE_CANCEL);
    await scene.push('down', MAIN.MIGRATE_BEGIN, placeBody(THERE));
    await scene.push('up', UP.MIGRATE_CONNECT_ERROR);
    expect(scene.told).toEqual([
      ['begin', 'seamless', THERE.host],
      'cancelled',
      ['begin', 'seamless', THERE.host],
      'client_failed',
    ]);
    expect(scene.types('down')).toEqual([MAIN.MIGRATE_BEGIN, MAIN.MIGRATE_CANCEL, MAIN.MIGRATE_BEGIN]);
  });

  it('seamless: cancels what the client is at, before it sends it where the guest is', async () => {
    const scene = new MigrationScene('seamless', mini);
    await scene.push('down', MAIN.MIGRATE_BEGIN_SEAMLESS, placeBody(THERE, 1));
    await scene.push('down', MAIN.MIGRATE_SWITCH_HOST, placeBody(THERE));
    // Too late for the hypervisor; what that makes of it would be a second word to the client.
    await scene.push('up', UP.MIGRATE_CONNECTED_SEAMLESS);
    await scene.push('down', MAIN.MIGRATE_CANCEL);
    expect(scene.types('down')).toEqual([
      ...[MAIN.MIGRATE_BEGIN_SEAMLESS, MAIN.MIGRATE_CANCEL, MAIN.MIGRATE_SWITCH_HOST],
    ]);
    expect(placeIn(scene.messages('down')[2]?.body ?? Buffer.alloc(0))).toEqual(KERBSIDE);
    expect(scene.up.bytes).toHaveLength(0);
    expect(scene.told.slice(1)).toEqual([['switch', 'seamless', THERE.host]]);
  });

  it('seamless: answers for the client where the place is forbidden or nobody decides', async () => {
    for (const reply of [
      { kind: 'refused', why: 'x' } as const,
      new ConnectionEnded('control plane failed'),
    ]) {
      const scene = new MigrationScene('seamless', mini);
      scene.reply = reply;
      await scene.push('down', MAIN.MIGRATE_BEGIN, placeBody(THERE));
      expect([scene.types('down'), scene.types('up')]).toEqual([[], [UP.MIGRATE_CONNECT_ERROR]]);
      expect(scene.faults).toEqual([]);
    }
  });

  it.each<[Mode, MigrateReply, string]>([
    ['robust', { kind: 'refused', why: 'not there' }, 'migration refused: not there'],
    [
      'off',
      { kind: 'told', place: PLACE },
      'migration not followed: the guest has moved to another hypervisor',
    ],
  ])('%s: ends when the guest has gone where it is not followed', async (mode, reply, fault) => {
    const scene = new MigrationScene(mode, mini);
    scene.reply = reply;
    await scene.push('down', MAIN.MIGRATE_SWITCH_HOST, placeBody(THERE));
    expect(scene.down.bytes).toHaveLength(0);
    expect(scene.faults.map(({ message }) => message)).toEqual([fault]);
    expect(scene.told).toContainEqual(['withheld', MAIN.MIGRATE_SWITCH_HOST]);
  });

  it.each<Mode>(['robust', 'off'])(
    '%s: lets no answer of a client through that was asked nothing',
    async (mode) => {
      const scene = new MigrationScene(mode, mini);
      for (const type of [UP.MIGRATE_CONNECTED, UP.MIGRATE_CONNECTED_SEAMLESS, UP.MIGRATE_CONNECT_ERROR])
        await scene.push('up', type);
      for (const type of [MAIN.MIGRATE_CANCEL, MAIN.MIGRATE_END]) await scene.push('down', type);
      expect([scene.up.bytes.length, scene.down.bytes.length, scene.told]).toEqual([0, 0, []]);
    },
  );

  it('takes up another mode with the next migration', async () => {
    const scene = new MigrationScene('robust', mini);
    scene.pipeline.useSettings(sessionSettings({ migration: { mode: 'seamless' } }));
    await scene.push('down', MAIN.MIGRATE_BEGIN, placeBody(THERE));
    expect(scene.types('down')).toEqual([MAIN.MIGRATE_BEGIN]);
  });

  it('ends at a message that cannot be read', async () => {
    const scene = new MigrationScene('robust', mini);
    await scene.push('down', MAIN.MIGRATE_SWITCH_HOST, Buffer.alloc(8));
    expect(scene.faults).toHaveLength(1);
    expect(scene.faults[0]).toMatchObject({ reason: 'backend broke the protocol' });
  });
});
