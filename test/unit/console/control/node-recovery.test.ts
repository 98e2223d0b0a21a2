// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { aGate, aTurn, CLOSED, Scene } from '../../../fixtures/control-plane.js';
import { ManualTimers } from '../../../fixtures/manual-timers.js';

describe('a node that is back', () => {
  const lost = (connectionRef: string, terminated = false) => ({ connectionRef, sessionId: 's', terminated });

  it('ends what went on without it, with a reason of its own', async () => {
    const scene = new Scene();
    await scene.authorize(1);
    scene.recovery = { reopened: [], waiting: [], lost: [lost('ref1')] };
    await scene.plane.recover();
    scene.recovery = { reopened: [], waiting: [], lost: [lost('ref1', true), lost('gone long ago')] };
    await scene.plane.recover();
    expect(scene.ordered).toEqual([
      [1, 's', 1, 'node lost'],
      [1, 's', 1, 'terminated by request'],
    ]);
    expect(await scene.metrics.text()).toContain('channels_recovered_total{outcome="lost"} 3');
  });

  it('writes down what goes on, and tells that the session runs', async () => {
    const scene = new Scene();
    await scene.authorize(1);
    await scene.authorize(2);
    scene.recovery = { reopened: ['ref1', 'ref2'], waiting: [], lost: [] };
    await scene.plane.recover();
    expect(scene.messages().at(-1)).toBe('Node back, the session goes on');
    expect(scene.published).toMatchObject([{ started: { sessionId: 's', generation: 1 } }]);
    expect(scene.ordered).toEqual([]);
  });

  it('closes once more what ended while its rows were opened again', async () => {
    const scene = new Scene();
    await scene.authorize(2);
    const gate = aGate();
    scene.answer = gate.passed;
    const done = scene.plane.recover();
    await aTurn();
    scene.plane.note({ op: 'closed', connectionRef: 'ref1', reason: 'client closed', ...CLOSED }, 1);
    gate.open();
    await done;
    await scene.plane.settle();
    expect(scene.closed).toEqual(['ref1', 'ref1']);
  });

  it('recovers once more after a recovery under way, and once only', async () => {
    const scene = new Scene();
    await scene.authorize(2);
    const gate = aGate();
    scene.answer = gate.passed;
    const runs = [scene.plane.recover()];
    await aTurn();
    await scene.authorize(2);
    runs.push(scene.plane.recover(), scene.plane.recover());
    await aTurn();
    scene.plane.note({ op: 'closed', connectionRef: 'ref1', reason: 'client closed', ...CLOSED }, 1);
    expect(scene.recoveries).toEqual([['ref1']]);
    gate.open();
    await Promise.all(runs);
    await scene.plane.settle();
    expect(scene.recoveries).toEqual([['ref1'], ['ref2']]);
    expect(scene.closed).toEqual(['ref1', 'ref1']);
  });

  it('looks at a channel, too, that was asked for before it was back and is granted after it', async () => {
    const scene = new Scene();
    const gate = aGate();
    scene.decided = gate.passed;
    const asked = scene.authorize(2);
    await scene.plane.recover();
    expect(scene.recoveries).toEqual([[]]);
    gate.open();
    expect(await asked).toMatchObject({ kind: 'granted' });
    await aTurn();
    expect(scene.recoveries).toEqual([[], ['ref1']]);
    await scene.authorize(2);
    await aTurn();
    expect(scene.recoveries).toHaveLength(2);
  });

  it('holds channels whose main channel is on another node that is away, for a while', async () => {
    const timers = new ManualTimers();
    const scene = new Scene({ recoveryTimeout: 3, timers });
    await scene.authorize(2);
    scene.recovery = { reopened: [], waiting: ['ref1'], lost: [] };
    await scene.plane.recover();
    scene.ended = [{ sessionId: 's', generation: 1, terminated: false }];
    await timers.pass(2900);
    await scene.plane.watch.poll();
    expect(scene.recoveries).toEqual([['ref1'], ['ref1'], ['ref1']]);
    expect(scene.ordered).toEqual([]);
    await timers.pass(100);
    expect(scene.ordered).toEqual([[1, 's', 1, 'node lost']]);
    expect(timers.pending).toBe(0);
  });
});
