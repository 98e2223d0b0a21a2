// SPDX-License-Identifier: Apache-2.0
// The stages of the main channel in their order, against a control plane that holds its answers back until told.
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ControlClient } from '../../../../src/console/connection/control-client.js';
import { ConnectionEnded } from '../../../../src/console/connection/ends.js';
import type { Grant, WorkerMessage } from '../../../../src/console/ipc.js';
import { DropCounts } from '../../../../src/console/guest-policy/drop-counts.js';
import { mainControl } from '../../../../src/console/relay/main-control.js';
import { stagesFor } from '../../../../src/console/relay/stage-order.js';
import { SessionPacer } from '../../../../src/console/pacing/session-pacer.js';
import { systemTimers } from '../../../../src/net/timers.js';
import { CHANNEL } from '../../../../src/console/spice/constants.js';
import { SERVER_MESSAGE } from '../../../../src/console/spice/message-types.js';
import { aTurn, PipelineScene } from '../../../fixtures/channel-pipeline.js';
import { mainInitBody, notifyBody } from '../../../fixtures/spice-bodies.js';
import { TapPipe } from '../../../../src/console/recording/tap-pipe.js';
import { encodeMessage } from '../../../fixtures/spice-messages.js';
import { sessionSettings } from '../../../fixtures/session-settings.js';

const { main: MAIN, common: COMMON } = SERVER_MESSAGE;
const NAME_AND_UUID = 2;
const TIMEOUT = 7;

const GRANT: Grant = {
  ...{
    kind: 'granted',
    connectionRef: 'ref',
    sessionId: 'session',
    generation: 3,
    source: 'lab',
    uuid: 'u',
    name: 'n',
  },
  ...{ proxyConnectionId: 0xcafe, backendConnectionId: 0 },
  target: {
    ...{ hypervisor: 'hv', hypervisorIp: '192.0.2.1', insecurePort: 5900, securePort: null, ticket: 't' },
    ...{ caCert: null, hostSubject: null, transport: null, protocol: 'spice', route: null },
  },
  mint: null,
  expectedInstanceUuid: null,
  // The bodies of these tests say nothing: the firewall would refuse most of them.
  settings: sessionSettings({ firewall: { mode: 'off' } }),
  messageScreen: false,
  migration: null,
  tapped: false,
};

const GUEST = '6a4b1c52-0f3d-4e8a-9b7c-2d1e0f3a4b5c';
const UUID_BYTES = Buffer.from(GUEST.replaceAll('-', ''), 'hex');

class MainScene extends PipelineScene {
  readonly sent: WorkerMessage[];
  private readonly control: ControlClient;

  constructor(
    private readonly mini: boolean,
    expectedInstanceUuid: string | null = null,
    asked = true,
  ) {
    const sent: WorkerMessage[] = [];
    const control = new ControlClient((message) => sent.push(message), 1);
    const message = {
      ...{ connectionId: 0, channelType: CHANNEL.main, channelId: 0, commonCaps: [] },
      channelCaps: asked ? [NAME_AND_UUID] : [],
    };
    const order = stagesFor({
      ...{
        message,
        grant: { ...GRANT, expectedInstanceUuid },
        settings: GRANT.settings,
        maxMessageSize: 1 << 20,
      },
      ...{
        identityTimeout: TIMEOUT,
        control: mainControl(control),
        miniHeader: mini,
        rttMs: 1,
        backendCaps: [],
      },
      ...{ pacer: new SessionPacer(GRANT.settings.pacing), timers: systemTimers, userActed: () => undefined },
      drops: new DropCounts(),
      tapPipe: new TapPipe(),
    });
    super(order, { miniHeader: mini });
    this.sent = sent;
    this.control = control;
    this.start();
  }

  frame(type: number, body: Buffer = Buffer.alloc(0)): Buffer {
    return encodeMessage(type, body, { miniHeader: this.mini });
  }

  async push(...frames: Buffer[]): Promise<void> {
    await this.send('down', Buffer.concat(frames));
  }

  async answer(ok: boolean): Promise<void> {
    const request = this.sent.find((message) => message.op === 'request');
    const id = request?.op === 'request' ? request.id : 0;
    this.control.settle(
      ok
        ? { op: 'reply', id, ok, answer: { to: 'establish', body: null } }
        : { op: 'reply', id, ok, to: 'establish', error: 'taken over' },
    );
    await aTurn();
  }
}

describe.each([true, false])('the main channel (mini headers: %s)', (mini) => {
  it('keeps MAIN_INIT and what is behind it until the session is known, and puts the minted id in', async () => {
    const scene = new MainScene(mini);
    await scene.push(
      scene.frame(MAIN.NAME),
      scene.frame(MAIN.INIT, mainInitBody(0xbeef)),
      scene.frame(MAIN.UUID),
    );
    expect(scene.types('down')).toEqual([MAIN.NAME]);
    expect(scene.sent).toEqual([
      {
        op: 'request',
        id: 1,
        body: {
          ...{ op: 'establish', connectionRef: 'ref', sessionId: 'session', generation: 3 },
          backendConnectionId: 0xbeef,
        },
      },
    ]);
    await scene.answer(true);
    expect(scene.types('down')).toEqual([MAIN.NAME, MAIN.INIT, MAIN.UUID]);
    expect(scene.messages('down')[1]?.body).toEqual(mainInitBody(0xcafe));
  });

  it('ends when the session cannot be established', async () => {
    const scene = new MainScene(mini);
    await scene.push(scene.frame(MAIN.INIT, mainInitBody(1)));
    await scene.answer(false);
    expect(scene.down.bytes).toHaveLength(0);
    expect(scene.faults).toEqual([new ConnectionEnded('control plane failed', 'taken over')]);
  });

  it('ends at a MAIN_INIT that is too short to hold its fields', async () => {
    const scene = new MainScene(mini);
    await scene.push(scene.frame(MAIN.INIT, Buffer.alloc(31)));
    expect(scene.faults).toEqual([
      new ConnectionEnded('backend broke the protocol', 'MAIN_INIT has 31 bytes, 32 are needed'),
    ]);
  });

  it('writes nothing for what may not go out, and reads on', async () => {
    const scene = new MainScene(mini);
    await scene.push(scene.frame(COMMON.NOTIFY, notifyBody('keyboard channel is insecure')));
    await scene.push(scene.frame(MAIN.INIT, mainInitBody(1)).subarray(0, 4));
    expect([scene.down.socket.writes, scene.down.stands]).toEqual([[], false]);
  });

  it('writes the last of several messages by itself', async () => {
    const scene = new MainScene(mini);
    await scene.push(scene.frame(MAIN.NAME), scene.frame(MAIN.UUID), scene.frame(MAIN.AGENT_DATA));
    const empty = scene.frame(MAIN.NAME).length;
    expect(scene.down.socket.writes.map(({ length }) => length)).toEqual([2 * empty, empty]);
  });

  it('lets every other notice pass', async () => {
    const scene = new MainScene(mini);
    await scene.push(scene.frame(COMMON.NOTIFY, notifyBody('something else')));
    expect(scene.types('down')).toEqual([COMMON.NOTIFY]);
  });
});

describe.each([true, false])(
  'a main channel whose guest must be a certain one (mini headers: %s)',
  (mini) => {
    const known = (scene: MainScene): Buffer =>
      Buffer.concat([scene.frame(MAIN.INIT, mainInitBody(7)), scene.frame(MAIN.UUID, UUID_BYTES)]);

    it('holds everything both ways until the right UUID has come, wherever the stream is cut', async () => {
      const whole = new MainScene(mini);
      const ping = whole.frame(COMMON.PING, Buffer.alloc(12));
      const stream = Buffer.concat([
        whole.frame(MAIN.INIT, mainInitBody(7)),
        whole.frame(MAIN.NAME, Buffer.from('name')),
        whole.frame(MAIN.UUID, UUID_BYTES),
        ping,
      ]);
      const shown = stream.length - ping.length;
      for (let cut = 1; cut < stream.length; cut += 1) {
        const asked = cut % 2 === 0;
        const scene = new MainScene(mini, GUEST, asked);
        await scene.send('up', scene.frame(104));
        await scene.push(stream.subarray(0, cut));
        if (cut < shown)
          expect([scene.down.bytes.length, scene.up.bytes.length, scene.sent]).toEqual([0, 0, []]);
        await scene.push(stream.subarray(cut));
        expect([scene.types('up'), scene.down.bytes.length]).toEqual([[104], 0]);
        await scene.answer(true);
        expect([scene.types('down'), scene.faults]).toEqual([
          [MAIN.INIT, ...(asked ? [MAIN.NAME, MAIN.UUID] : []), COMMON.PING],
          [],
        ]);
        scene.pipeline.end();
      }
    });

    it.each([
      ['another UUID', Buffer.alloc(16, 9)],
      ['no UUID', Buffer.alloc(0)],
      ['half a UUID', Buffer.alloc(8)],
    ])('ends when the guest shows %s, before anything is written', async (_name, shown) => {
      const scene = new MainScene(mini, GUEST);
      await scene.push(scene.frame(MAIN.INIT, mainInitBody(7)), scene.frame(MAIN.UUID, shown));
      expect(scene.faults.map((fault) => (fault as ConnectionEnded).reason)).toEqual(['wrong guest']);
      expect([scene.down.bytes.length, scene.sent]).toEqual([0, []]);
    });

    it('ends when the guest turns into another one later', async () => {
      const scene = new MainScene(mini, GUEST.toUpperCase());
      await scene.push(known(scene));
      await scene.answer(true);
      expect(scene.faults).toEqual([]);
      await scene.push(scene.frame(MAIN.UUID, Buffer.alloc(16, 1)));
      expect(scene.faults.map((fault) => (fault as ConnectionEnded).reason)).toEqual(['wrong guest']);
      expect(scene.types('down')).toEqual([MAIN.INIT, MAIN.UUID]);
    });

    it('ends when too much comes before the UUID, in many messages or in one', async () => {
      const many = new MainScene(mini, GUEST);
      for (let count = 0; count < 40; count += 1)
        await many.push(many.frame(COMMON.PING, Buffer.alloc(2000)));
      const one = new MainScene(mini, GUEST);
      await one.push(one.frame(COMMON.PING, Buffer.alloc(100_000)).subarray(0, 20));
      const fault = new ConnectionEnded('guest not identified', 'too much came before its UUID');
      expect([many.faults, one.faults]).toEqual([[fault], [fault]]);
    });

    describe('by the clock', () => {
      beforeEach(
        () => void jest.useFakeTimers({ doNotFake: ['setImmediate', 'queueMicrotask', 'nextTick'] }),
      );
      afterEach(() => void jest.useRealTimers());

      it('ends when no UUID has come in time, and not when it has', async () => {
        const late = new MainScene(mini, GUEST);
        const good = new MainScene(mini, GUEST);
        await good.push(known(good));
        await good.answer(true);
        jest.advanceTimersByTime(TIMEOUT * 1000 - 1);
        expect(late.faults).toEqual([]);
        jest.advanceTimersByTime(1);
        expect(late.faults).toEqual([new ConnectionEnded('guest not identified', 'no UUID within 7 s')]);
        expect(good.faults).toEqual([]);
      });
    });
  },
);
