// SPDX-License-Identifier: Apache-2.0
// A main channel that is granted while another session has its console.
import { describe, expect, it } from '@jest/globals';
import { DatabaseError } from '../../../../src/exception.js';
import { aGate, Scene } from '../../../fixtures/control-plane.js';

const ANN_GAVE_WAY = { taken: true, replaced: [{ sessionId: 'first', issuedTo: 'bob' }] };

function aTaker(takeover: Scene['takeover'], settings = {}): Scene {
  const scene = new Scene(settings);
  scene.hold = 'takes';
  scene.takeover = takeover;
  return scene;
}

describe('a session that takes a console', () => {
  it('is granted once the first has ended, which is written down as of the first', async () => {
    const scene = aTaker(() => Promise.resolve(ANN_GAVE_WAY));
    expect(await scene.authorize(1)).toMatchObject({ kind: 'granted' });
    // Twice it had not ended.
    expect(scene.looks).toBe(3);
    expect(scene.audit[0]).toMatchObject({
      ...{ source: 'lab', uuid: 'u', session_id: 'first', message: 'Session replaced by ann' },
      ...{ issued_to: 'bob', client_ip: '192.0.2.8' },
    });
    expect(scene.plane.registry.find('ref1')?.holds).toBe(true);
  });

  it('is refused where others were faster', async () => {
    const scene = aTaker(() => Promise.resolve({ taken: false, replaced: [] }), { messageScreen: true });
    expect(await scene.authorize(1)).toEqual({
      ...{ kind: 'denied', because: 'token', reason: 'console_in_use', sessionId: 's' },
      screen: 'console_in_use',
    });
    await scene.plane.settle();
    expect([scene.messages(), scene.closed]).toEqual([['Channel refused: console in use'], ['ref1']]);
    expect(scene.plane.registry.size).toBe(0);
  });

  it('takes nothing where its machine is not there, or its channel is not permitted', async () => {
    const never = (): never => {
      throw new Error('a console was taken');
    };
    const stopped = aTaker(never);
    stopped.platform = 'openstack';
    stopped.location = () => Promise.resolve({ kind: 'denied', why: 'stopped' });
    expect(await stopped.authorize(1)).toMatchObject({ reason: 'instance_stopped' });
    const strict = aTaker(never, { permittedChannels: ['display'] });
    expect(await strict.authorize(1)).toMatchObject({ reason: 'channel_forbidden' });
  });

  it('is itself ended when another one takes the console meanwhile', async () => {
    const gate = aGate();
    const scene = aTaker(async () => {
      await gate.passed;
      return ANN_GAVE_WAY;
    });
    const asked = scene.authorize(1);
    scene.plane.onFanout({
      method: 'session_ended',
      args: { session_id: 's', generation: 9, terminated: true, replaced: true },
    });
    gate.open();
    expect(await asked).toMatchObject({ kind: 'denied', reason: 'session_ended' });
    await scene.plane.settle();
    expect(scene.closed).toEqual(['ref1']);
  });

  it('leaves no open row when the database goes away', async () => {
    const scene = aTaker(() => Promise.reject(new DatabaseError('away')));
    expect(await scene.authorize(1)).toMatchObject({ kind: 'denied', reason: 'database_away' });
    await scene.plane.settle();
    expect(scene.closed).toEqual(['ref1']);
  });
});

describe('a session that gave way', () => {
  it('ends on this node as replaced, by message and by poll', async () => {
    const scene = new Scene();
    await scene.authorize(2);
    const over = { generation: 1, terminated: true, replaced: true } as const;
    scene.plane.onFanout({ method: 'session_ended', args: { session_id: 's', ...over } });
    scene.ended = [{ sessionId: 's', ...over }];
    await scene.plane.watch.poll();
    expect(scene.ordered).toEqual([
      [1, 's', 1, 'replaced'],
      [1, 's', 1, 'replaced'],
    ]);
  });
});
