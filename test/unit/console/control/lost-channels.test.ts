// SPDX-License-Identifier: Apache-2.0
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { CloseReason } from '../../../../src/close-reason.js';
import type { Grant } from '../../../../src/console/ipc.js';
import { CLOSED, Scene, WORKER } from '../../../fixtures/control-plane.js';
import { ManualTimers, settled } from '../../../fixtures/manual-timers.js';

const OTHER_WORKER = { id: 2, pid: 102 };
const LOST = 'client connection lost';
const TOLD = 'Session ended: its inputs channel was lost (client connection lost)';

let timers: ManualTimers;
let scene: Scene;

beforeEach(() => {
  timers = new ManualTimers();
  scene = new Scene({ timers });
});

async function open(channelType: number, worker = WORKER): Promise<string> {
  return ((await scene.authorize(channelType, worker)) as Grant).connectionRef;
}

function close(connectionRef: string, reason: CloseReason): void {
  scene.plane.note({ op: 'closed', connectionRef, reason, ...CLOSED }, 1);
}

describe('a session that has lost a channel', () => {
  it.each<CloseReason>([
    'client connection lost',
    'backend connection lost',
    'client stopped reading',
    'backend stopped reading',
  ])('by "%s" ends as a whole, on every worker, and that is told', async (reason) => {
    await open(1);
    await open(2, OTHER_WORKER);
    close(await open(3), reason);
    await timers.pass(1000);
    expect(scene.ordered).toEqual([
      [1, 's', 1, 'other channel lost'],
      [2, 's', 1, 'other channel lost'],
    ]);
    expect(scene.messages()).toContain(`Session ended: its inputs channel was lost (${reason})`);
    expect(scene.interrupted).toEqual([]);
  });

  it('by the death of its worker ends on the others', async () => {
    await open(1);
    await open(3, OTHER_WORKER);
    scene.plane.workerDied(OTHER_WORKER);
    await timers.pass(1000);
    expect(scene.ordered).toEqual([[1, 's', 1, 'other channel lost']]);
    expect(scene.messages()).toContain('Session ended: its inputs channel was lost (proxy worker died)');
  });

  it('ends once, whatever else it loses meanwhile', async () => {
    await open(1);
    const [inputs, cursor] = [await open(3), await open(4)];
    close(inputs, LOST);
    close(cursor, LOST);
    await timers.pass(5000);
    expect(scene.ordered).toHaveLength(1);
    expect(scene.messages().filter((message) => message.startsWith('Session ended'))).toEqual([TOLD]);
  });

  it('whose main channel is on another node ends there through the records, as soon as they can be written', async () => {
    await open(2, OTHER_WORKER);
    scene.away = true;
    close(await open(3), LOST);
    await timers.pass(1000);
    expect(scene.ordered).toEqual([[2, 's', 1, 'other channel lost']]);
    expect([scene.interrupted, scene.messages().includes(TOLD)]).toEqual([[['s', 1]], false]);
    scene.away = false;
    await scene.plane.watch.poll();
    await settled();
    expect([scene.interrupted.length, scene.messages().includes(TOLD)]).toEqual([2, true]);
  });

  it('and was over before is not told of', async () => {
    scene.running = false;
    close(await open(3), LOST);
    await timers.pass(1000);
    expect(scene.interrupted).toEqual([['s', 1]]);
    expect(scene.messages()).not.toContain(TOLD);
  });
});

describe('a session goes on, or ends as it did,', () => {
  it.each<CloseReason>(['client closed', 'backend closed', 'idle', 'client broke the protocol'])(
    'when one of its channels ends by "%s"',
    async (reason) => {
      await open(1);
      close(await open(3), reason);
      await timers.pass(5000);
      expect([scene.ordered, timers.pending]).toEqual([[], 0]);
    },
  );

  it('when its client quits, and resets channels that it has not read to their ends', async () => {
    const main = await open(1);
    close(await open(2), LOST);
    await timers.pass(100);
    close(main, 'client closed');
    await timers.pass(5000);
    expect(scene.ordered).toEqual([]);
    expect(scene.messages().filter((message) => message.startsWith('Session ended'))).toEqual([]);
    expect(scene.interrupted).toEqual([]);
  });

  it('when the proxy stops', async () => {
    await open(1);
    close(await open(3), LOST);
    const stopped = scene.plane.settle();
    await timers.pass(5000);
    await stopped;
    expect(scene.ordered).toEqual([]);
  });
});
