// SPDX-License-Identifier: Apache-2.0
// Channels of platforms whose tickets are made at connect time: each gets the ticket that holds, another one when it was
// refused, and no channel opens without.
import { describe, expect, it } from '@jest/globals';
import type { Grant } from '../../../../src/console/ipc.js';
import { Unavailable } from '../../../../src/exception.js';
import type { ConnectInfo } from '../../../../src/objects/connect-info.js';
import { InstanceNotReady } from '../../../../src/objects/instance-fault.js';
import type { Minted } from '../../../../src/sources/driver.js';
import { Scene, WORKER } from '../../../fixtures/control-plane.js';

const MAIN = 1;
const DISPLAY = 2;

function minting(): { scene: Scene; made: () => number } {
  let made = 0;
  const scene = new Scene();
  scene.platform = 'minting';
  scene.minted = (): Promise<Minted> => {
    made += 1;
    const target = { hypervisor: 'node1', ticket: `ticket-${String(made)}` } as ConnectInfo;
    return Promise.resolve({ target, validFor: 30 });
  };
  return { scene, made: () => made };
}

const remint = async (scene: Scene, { connectionRef, mint }: Grant): Promise<unknown> =>
  (await scene.plane.request(WORKER, { op: 'mint', connectionRef, refused: mint ?? 0 })).body;

describe('a channel whose ticket is made for it', () => {
  it('shares it with the channels that follow, on other workers too', async () => {
    const { scene, made } = minting();
    const main = (await scene.authorize(MAIN)) as Grant;
    expect(main).toMatchObject({ target: { ticket: 'ticket-1', route: null, transport: null } });
    const display = (await scene.authorize(DISPLAY, { id: 2, pid: 102 })) as Grant;
    expect(display).toMatchObject({ target: { ticket: 'ticket-1' }, mint: main.mint });
    expect(made()).toBe(1);
    expect(scene.located).toEqual(['lab/u']);
  });

  it('gets another one when it was refused, and so do the channels to come', async () => {
    const { scene } = minting();
    const main = (await scene.authorize(MAIN)) as Grant;
    const display = (await scene.authorize(DISPLAY)) as Grant;
    const again = await remint(scene, display);
    expect(again).toMatchObject({ kind: 'minted', target: { ticket: 'ticket-2' } });
    expect(await remint(scene, main)).toEqual(again);
    expect(await scene.authorize(DISPLAY)).toMatchObject({ target: { ticket: 'ticket-2' } });
  });

  it('is refused without one: told, recorded, counted, and given back', async () => {
    const { scene } = minting();
    scene.minted = () => Promise.reject(new Unavailable('HTTP 595: no route to host'));
    expect(await scene.authorize(MAIN)).toEqual({
      ...{ kind: 'denied', because: 'error', reason: 'ticket_not_minted', sessionId: 's' },
    });
    await scene.plane.settle();
    expect([scene.closed, scene.plane.registry.size]).toEqual([['ref1'], 0]);
    expect(scene.messages()).toEqual(['Channel refused: ticket not minted: HTTP 595: no route to host']);
    expect(scene.published).toContainEqual({
      refused: expect.objectContaining({ reason: 'ticket_not_minted' }),
    });
  });

  it('hears why there is no other one, and of a guest that cannot be connected to', async () => {
    const { scene } = minting();
    const main = (await scene.authorize(MAIN)) as Grant;
    scene.minted = () => Promise.reject(new Unavailable('HTTP 500'));
    expect(await remint(scene, main)).toEqual({
      ...{ kind: 'not_minted', reason: 'ticket not minted', why: 'HTTP 500' },
    });
    scene.minted = () => Promise.reject(new InstanceNotReady('stopped'));
    expect(await remint(scene, main)).toEqual({ kind: 'not_minted', reason: 'instance stopped', why: '' });
    expect(await scene.authorize(MAIN)).toMatchObject({ kind: 'denied', reason: 'instance_stopped' });
    expect(await remint(scene, { ...main, connectionRef: 'unknown' })).toMatchObject({
      ...{ kind: 'not_minted', reason: 'control plane failed' },
    });
  });

  it('is an error of ours when a driver throws anything else', async () => {
    const { scene } = minting();
    scene.minted = () => Promise.reject(new TypeError('undefined is no function'));
    await expect(scene.authorize(MAIN)).rejects.toThrow('undefined is no function');
    await scene.plane.settle();
    expect(scene.closed).toEqual(['ref1']);
  });

  it('is of no concern to other platforms', async () => {
    const { scene, made } = minting();
    scene.platform = 'static';
    expect(await scene.authorize(MAIN)).toMatchObject({ mint: null, target: { ticket: 't' } });
    expect(made()).toBe(0);
  });
});
