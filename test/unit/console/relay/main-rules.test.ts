// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { ControlClient } from '../../../../src/console/connection/control-client.js';
import type { ConnectionEnded } from '../../../../src/console/connection/ends.js';
import type { Grant, WorkerMessage } from '../../../../src/console/ipc.js';
import { MainRules } from '../../../../src/console/relay/main-rules.js';
import { SERVER_MESSAGE } from '../../../../src/console/spice/message-types.js';
import { mainInitBody, notifyBody } from '../../../fixtures/spice-bodies.js';
import { encodeMessage, MessageParser } from '../../../fixtures/spice-messages.js';

const { main: MAIN, common: COMMON } = SERVER_MESSAGE;

const GRANT: Grant = {
  ...{ kind: 'granted', connectionRef: 'ref', sessionId: 'session', generation: 3, source: 'lab', uuid: 'u' },
  ...{ proxyConnectionId: 0xcafe, backendConnectionId: 0 },
  target: {
    ...{ hypervisor: 'hv', hypervisorIp: '192.0.2.1', insecurePort: 5900, securePort: null, ticket: 't' },
    ...{ caCert: null, hostSubject: null, transport: null },
  },
  guest: null,
};

const GUEST = '6a4b1c52-0f3d-4e8a-9b7c-2d1e0f3a4b5c';
const UUID_BYTES = Buffer.from(GUEST.replaceAll('-', ''), 'hex');

/** Rules over a control channel that holds its answers back until told. */
class Scene {
  readonly sent: WorkerMessage[] = [];
  readonly writes: (Buffer | null)[][] = [];
  readonly faults: ConnectionEnded[] = [];
  readonly control = new ControlClient((message) => this.sent.push(message), 1);
  readonly rules: MainRules;

  identified = 0;

  constructor(
    private readonly miniHeader = true,
    guest: string | null = null,
    asked = true,
  ) {
    const grant = { ...GRANT, guest };
    this.rules = new MainRules(miniHeader, grant, this.control, asked, () => (this.identified += 1));
  }

  frame(type: number, body: Buffer = Buffer.alloc(0)): Buffer {
    return encodeMessage(type, body, { miniHeader: this.miniHeader });
  }

  push(...frames: Buffer[]): void {
    this.rules.push(
      Buffer.concat(frames),
      (first, last) => this.writes.push([first, last]),
      (fault) => this.faults.push(fault),
    );
  }

  async answer(ok: boolean): Promise<void> {
    const request = this.sent.find((message) => message.op === 'request');
    const id = request?.op === 'request' ? request.id : 0;
    this.control.settle(
      ok
        ? { op: 'reply', id, ok, answer: { to: 'establish', body: null } }
        : { op: 'reply', id, ok, to: 'establish', error: 'taken over' },
    );
    await new Promise((resolve) => setImmediate(resolve));
  }

  types(part: Buffer | null | undefined): number[] {
    return part ? new MessageParser(this.miniHeader).push(part).map(({ type }) => type) : [];
  }
}

describe.each([true, false])('MainRules (mini headers: %s)', (miniHeader) => {
  it('holds MAIN_INIT and what is behind it until the session is known, and puts the minted id in', async () => {
    const scene = new Scene(miniHeader);
    scene.push(scene.frame(MAIN.NAME), scene.frame(MAIN.INIT, mainInitBody(0xbeef)), scene.frame(MAIN.UUID));
    expect(scene.writes).toHaveLength(0);
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
    const [[first, last] = []] = scene.writes;
    expect(scene.types(first)).toEqual([MAIN.NAME, MAIN.INIT]);
    expect(scene.types(last)).toEqual([MAIN.UUID]);
    const [, init] = new MessageParser(miniHeader).push(first ?? Buffer.alloc(0));
    expect(init?.body).toEqual(mainInitBody(0xcafe));
  });

  it('ends the channel when the session cannot be established', async () => {
    const scene = new Scene(miniHeader);
    scene.push(scene.frame(MAIN.INIT, mainInitBody(1)));
    await scene.answer(false);
    expect(scene.writes).toHaveLength(0);
    expect(scene.faults.map(({ reason, detail }) => [reason, detail])).toEqual([
      ['control plane failed', 'taken over'],
    ]);
  });

  it('writes nothing, once, for a chunk of which nothing may go out', () => {
    const scene = new Scene(miniHeader);
    scene.push(scene.frame(COMMON.NOTIFY, notifyBody('keyboard channel is insecure')));
    scene.push(scene.frame(MAIN.MIGRATE_BEGIN, Buffer.alloc(30)));
    scene.push(scene.frame(MAIN.INIT, mainInitBody(1)).subarray(0, 4));
    expect(scene.writes).toEqual([
      [null, null],
      [null, null],
      [null, null],
    ]);
  });

  it('reports withheld migration messages and lets the messages around them pass', () => {
    const scene = new Scene(miniHeader);
    const types = [MAIN.MIGRATE_BEGIN, MAIN.MIGRATE_SWITCH_HOST, MAIN.MIGRATE_BEGIN_SEAMLESS];
    scene.push(
      scene.frame(MAIN.NAME),
      ...types.map((type) => scene.frame(type, Buffer.alloc(30))),
      scene.frame(MAIN.MIGRATE_CANCEL),
    );
    expect(scene.sent).toEqual(
      types.map((messageType) => ({
        op: 'note',
        body: { op: 'withheld', connectionRef: 'ref', messageType },
      })),
    );
    const [[first, last] = []] = scene.writes;
    expect([scene.types(first), scene.types(last)]).toEqual([[MAIN.NAME], [MAIN.MIGRATE_CANCEL]]);
  });

  it('writes the last message of a chunk by itself, a part of one too', () => {
    const scene = new Scene(miniHeader);
    const whole = scene.frame(MAIN.AGENT_DATA, Buffer.alloc(100, 1));
    scene.push(scene.frame(MAIN.NAME), scene.frame(MAIN.UUID), whole.subarray(0, 60));
    scene.push(whole.subarray(60), scene.frame(MAIN.NAME));
    const lengths = scene.writes.map((write) => write.map((part) => part?.length ?? 0));
    const empty = scene.frame(MAIN.NAME).length;
    expect(lengths).toEqual([
      [2 * empty, 60],
      [whole.length - 60, empty],
    ]);
  });

  it('holds everything until the guest has shown the right UUID, wherever the stream is cut', async () => {
    const whole = new Scene(miniHeader);
    const stream = Buffer.concat([
      whole.frame(MAIN.INIT, mainInitBody(7)),
      whole.frame(MAIN.NAME, Buffer.from('name')),
      whole.frame(MAIN.UUID, UUID_BYTES),
      whole.frame(COMMON.PING, Buffer.alloc(12)),
    ]);
    const shown = stream.length - whole.frame(COMMON.PING, Buffer.alloc(12)).length;
    for (let cut = 1; cut < stream.length; cut += 1) {
      for (const asked of [true, false]) {
        const scene = new Scene(miniHeader, GUEST, asked);
        const first = Buffer.from(stream.subarray(0, cut));
        scene.push(first);
        if (cut < shown) {
          expect([scene.rules.waiting, scene.identified, scene.sent]).toEqual([true, 0, []]);
          expect(scene.writes).toEqual([[null, null]]);
          first.fill(0); // the relay reads the next chunk into the same buffer
        }
        // The relay reads nothing while the session is not known.
        if (cut >= shown) await scene.answer(true);
        scene.push(stream.subarray(cut));
        if (cut < shown) await scene.answer(true);
        expect([scene.rules.waiting, scene.identified, scene.faults]).toEqual([false, 1, []]);
        const written = scene.types(Buffer.concat(scene.writes.flat().filter((part) => part !== null)));
        expect(written).toEqual([MAIN.INIT, ...(asked ? [MAIN.NAME, MAIN.UUID] : []), COMMON.PING]);
      }
    }
  });

  it.each([
    ['another UUID', Buffer.alloc(16, 9)],
    ['no UUID', Buffer.alloc(0)],
    ['half a UUID', Buffer.alloc(8)],
  ])('ends the channel when the guest shows %s, before anything is written', (_name, shown) => {
    const scene = new Scene(miniHeader, GUEST);
    scene.push(scene.frame(MAIN.INIT, mainInitBody(7)), scene.frame(MAIN.UUID, shown));
    expect(scene.faults.map(({ reason }) => reason)).toEqual(['wrong guest']);
    expect([scene.writes, scene.sent, scene.identified]).toEqual([[], [], 0]);
  });

  it('ends the channel when the guest turns into another one later', async () => {
    const scene = new Scene(miniHeader, GUEST.toUpperCase());
    scene.push(scene.frame(MAIN.INIT, mainInitBody(7)), scene.frame(MAIN.UUID, UUID_BYTES));
    await scene.answer(true);
    expect(scene.faults).toEqual([]);
    scene.push(scene.frame(MAIN.UUID, Buffer.alloc(16, 1)));
    expect(scene.faults.map(({ reason }) => reason)).toEqual(['wrong guest']);
  });

  it('ends the channel when too much comes before the UUID', () => {
    const scene = new Scene(miniHeader, GUEST);
    for (let count = 0; count < 40; count += 1) scene.push(scene.frame(COMMON.PING, Buffer.alloc(2000)));
    expect(scene.faults.at(0)?.reason).toBe('guest not identified');
  });

  it('lets every other notice pass', () => {
    const scene = new Scene(miniHeader);
    scene.push(scene.frame(COMMON.NOTIFY, notifyBody('something else')));
    expect(scene.types(scene.writes[0]?.[1])).toEqual([COMMON.NOTIFY]);
  });
});
