// SPDX-License-Identifier: Apache-2.0
// What the control plane lets clients be shown: only those whose ticket is good, and where it is switched on.
import { describe, expect, it } from '@jest/globals';
import { screenConnectionId } from '../../../../src/console/screen-name.js';
import { CHANNEL } from '../../../../src/console/spice/constants.js';
import type { DenialReason } from '../../../../src/objects/console-session-state.js';
import { Scene, WORKER } from '../../../fixtures/control-plane.js';

const { main, display, inputs, cursor } = CHANNEL;
const UNREACHABLE = screenConnectionId('a token', 'unreachable');

/** The scene's answer to a main channel that is denied for this reason. */
function denied(scene: Scene, denial: DenialReason): Promise<unknown> {
  scene.denial = denial;
  return scene.authorize(main);
}

describe('a main channel that is denied', () => {
  it.each<[DenialReason, string]>([
    ['token_in_use', 'in_use'],
    ['token_replaced', 'replaced'],
    ['console_in_use', 'console_in_use'],
    ['console_gone', 'gone'],
    ['source_gone', 'gone'],
  ])('because of %s may show its client why', async (denial, screen) => {
    const scene = new Scene({ messageScreen: true });
    expect(await denied(scene, denial)).toMatchObject({ kind: 'denied', screen });
    // The records say the same as ever.
    expect(scene.messages()).toHaveLength(1);
  });

  it.each<DenialReason>(['token_unknown', 'token_expired', 'token_terminated', 'bad_connection_id'])(
    'because of %s shows nothing',
    async (denial) => {
      expect(await denied(new Scene({ messageScreen: true }), denial)).not.toHaveProperty('screen');
    },
  );

  it('because of its instance or of the rules may show why', async () => {
    const scene = new Scene({ messageScreen: true });
    scene.platform = 'openstack';
    scene.location = () => Promise.resolve({ kind: 'denied', why: 'stopped' });
    expect(await scene.authorize(main)).toMatchObject({ reason: 'instance_stopped', screen: 'stopped' });
    const strict = new Scene({ messageScreen: true, permittedChannels: ['display'] });
    expect(await strict.authorize(main)).toMatchObject({ reason: 'channel_forbidden', screen: 'forbidden' });
  });
});

describe('message screens', () => {
  it('are as the options say, unless source or console say otherwise', async () => {
    for (const [option, own, shown] of [
      [true, null, true],
      [false, null, false],
      [true, 'off', false],
      [false, 'on', true],
    ] as const) {
      const scene = new Scene({ messageScreen: option });
      scene.own = own === null ? {} : { messageScreen: own };
      expect(await scene.authorize(main)).toMatchObject({ kind: 'granted', messageScreen: shown });
      expect('screen' in ((await denied(scene, 'token_in_use')) as object)).toBe(shown);
    }
  });

  it('may come on a channel beside the main one, when the desktop is ended', async () => {
    expect(await new Scene({ messageScreen: true }).authorize(display)).toMatchObject({
      messageScreen: true,
    });
  });
});

describe('a channel of a message screen', () => {
  it.each(['main_required', 'bad_connection_id'] as const)(
    'is let in although %s, and is no refused client',
    async (denial) => {
      const scene = new Scene({ messageScreen: true });
      scene.denial = denial;
      for (const type of [display, inputs])
        expect(await scene.authorize(type, WORKER, UNREACHABLE)).toEqual({
          ...{ kind: 'screen', about: 'unreachable', sessionId: 's', name: null },
        });
      expect(scene.messages()).toEqual([]);
      expect(scene.published).toEqual([]);
    },
  );

  it('has display and inputs only, the id of its ticket, and a ticket that is good', async () => {
    const scene = new Scene({ messageScreen: true });
    scene.denial = 'main_required';
    for (const [type, id] of [
      [cursor, UNREACHABLE],
      [display, UNREACHABLE ^ 0x100],
      [display, screenConnectionId('another token', 'unreachable')],
      [display, 0],
    ] as const)
      expect(await scene.authorize(type, WORKER, id)).toMatchObject({ kind: 'denied' });
    scene.denial = 'token_expired';
    expect(await scene.authorize(display, WORKER, UNREACHABLE)).toMatchObject({ kind: 'denied' });
    const off = new Scene();
    off.denial = 'main_required';
    expect(await off.authorize(display, WORKER, UNREACHABLE)).toMatchObject({ kind: 'denied' });
  });
});
