// SPDX-License-Identifier: Apache-2.0
// Channels that a policy forbids, inputs of a session that only looks, monitors of a display; and channels that a policy does
// not concern, which nobody looks at.
import { describe, expect, it } from '@jest/globals';
import { channelForbiddenBy, type GuestPolicy } from '../../../../src/console/guest-channels.js';
import type { Interest, Stage } from '../../../../src/console/relay/stage.js';
import { CHANNEL, type ChannelName } from '../../../../src/console/spice/constants.js';
import { aTurn } from '../../../fixtures/channel-pipeline.js';
import { PolicyScene, words } from '../../../fixtures/guest-policy-scene.js';
import { sessionSettings } from '../../../fixtures/session-settings.js';
import { encodeMessage } from '../../../fixtures/spice-messages.js';

const CHANNELS_LIST = 104;
const MONITORS_CONFIG = 317;
const MOTION = 111;
const MOTION_ACK = 111;
/** What is forbidden, by which policy. */
const FORBIDDEN: readonly { name: ChannelName; id: number; key: string; policy: Partial<GuestPolicy> }[] = [
  { name: 'webdav', id: 0, key: 'folder_sharing', policy: { folderSharing: false } },
  { name: 'usbredir', id: 1, key: 'usb', policy: { usb: ['none'] } },
  { name: 'usbredir', id: 0, key: 'view_only', policy: { viewOnly: true } },
  { name: 'smartcard', id: 0, key: 'smartcard', policy: { smartcard: false } },
  { name: 'playback', id: 0, key: 'audio_playback', policy: { audioPlayback: false } },
  { name: 'record', id: 0, key: 'audio_record', policy: { audioRecord: false } },
  { name: 'display', id: 1, key: 'max_monitors', policy: { maxMonitors: 1 } },
];

function listOf(...entries: (readonly [ChannelName, number])[]): Buffer {
  return Buffer.concat([
    words(entries.length),
    Buffer.from(entries.flatMap(([name, id]) => [CHANNEL[name], id])),
  ]);
}

describe.each(FORBIDDEN)('the $name channel $id under $policy', ({ name, id, key, policy }) => {
  it('is forbidden by that key, and by no other policy', () => {
    const full = sessionSettings({ guestPolicy: policy }).guestPolicy;
    expect(channelForbiddenBy(full, CHANNEL[name], id)).toBe(key);
    expect(channelForbiddenBy(sessionSettings().guestPolicy, CHANNEL[name], id)).toBeNull();
  });

  it('vanishes from lists, and is listed again when it is allowed', async () => {
    for (const miniHeader of [true, false]) {
      const scene = PolicyScene.of('main', policy, { miniHeader });
      await scene.say('down', [CHANNELS_LIST, listOf(['inputs', 0], [name, id], ['display', 0])]);
      await scene.say('down', [CHANNELS_LIST, listOf([name, id])]);
      scene.change({});
      await aTurn();
      expect(scene.bodies('down', CHANNELS_LIST)).toEqual([
        listOf(['inputs', 0], ['display', 0]),
        listOf(),
        listOf([name, id]),
      ]);
    }
  });

  it('ends with the rule when it is forbidden while it is open', async () => {
    const scene = PolicyScene.of(name, {}, { id });
    scene.change({ clipboard: 'none' });
    expect(scene.faults).toEqual([]);
    scene.change(policy);
    expect(String(scene.faults[0])).toContain(`channel forbidden: guest_policy_${key}`);
    await aTurn();
  });

  it('ends at once when it was granted before the policy changed', () => {
    const scene = PolicyScene.of(name, policy, { id });
    expect(scene.faults).toHaveLength(1);
  });
});

describe('a list of channels', () => {
  it('passes where all are allowed, whatever its bytes are', async () => {
    const scene = PolicyScene.of('main');
    const bodies = [listOf(['usbredir', 0]), words(9), Buffer.alloc(0), Buffer.alloc(3)];
    await scene.say('down', ...bodies.map((body) => [CHANNELS_LIST, body] as const));
    expect(scene.bodies('down', CHANNELS_LIST)).toEqual(bodies);
  });

  it('is edited wherever its bytes are cut', async () => {
    for (const miniHeader of [true, false]) {
      const bytes = encodeMessage(CHANNELS_LIST, listOf(['record', 0], ['inputs', 0]), { miniHeader });
      for (let cut = 1; cut < bytes.length; cut += 1) {
        const scene = PolicyScene.of('main', { audioRecord: false }, { miniHeader });
        await scene.send('down', bytes.subarray(0, cut), bytes.subarray(cut));
        expect(scene.bodies('down', CHANNELS_LIST)).toEqual([listOf(['inputs', 0])]);
      }
    }
  });
});

describe('inputs of a session that only looks', () => {
  const INPUTS = [101, 102, 103, 104, 111, 112, 113, 114];

  it.each([true, false])('are dropped, and nothing else is (mini header: %s)', async (miniHeader) => {
    const types = [3, ...INPUTS, 1];
    const bytes = Buffer.concat(types.map((type) => encodeMessage(type, Buffer.alloc(12), { miniHeader })));
    for (let cut = 1; cut < bytes.length; cut += 1) {
      const scene = PolicyScene.of('inputs', { viewOnly: true }, { miniHeader });
      await scene.send('up', bytes.subarray(0, cut), bytes.subarray(cut));
      expect(scene.types('up')).toEqual([3, 1]);
      expect(scene.counted()).toEqual(['view_only client_to_server 8']);
    }
  });

  it('have every fourth movement acknowledged, so that the pointer never waits', async () => {
    const scene = PolicyScene.of('inputs', { viewOnly: true });
    for (let sent = 1; sent <= 41; sent += 1) {
      await scene.say('up', [sent % 2 === 0 ? MOTION : 112, Buffer.alloc(11)]);
      expect(scene.bodies('down', MOTION_ACK)).toHaveLength(Math.floor(sent / 4));
    }
    await scene.say('up', [101, words(30)], [114, Buffer.alloc(3)]);
    expect(scene.bodies('down', MOTION_ACK)).toHaveLength(10);
  });

  it('pass until the policy says so, and again when it says so no more', async () => {
    const scene = PolicyScene.of('inputs');
    await scene.say('up', [101, words(30)]);
    scene.change({ viewOnly: true });
    await scene.say('up', [102, words(30)]);
    scene.change({});
    await scene.say('up', [101, words(31)]);
    expect(scene.bodies('up', 101)).toEqual([words(30), words(31)]);
    expect(scene.bodies('up', 102)).toEqual([]);
  });

  it('have no say in how the mouse works', async () => {
    const scene = PolicyScene.of('main', { viewOnly: true });
    await scene.say('up', [105, Buffer.from([2, 0])], [104, Buffer.alloc(0)]);
    expect(scene.types('up')).toEqual([104]);
  });
});

describe('monitors of a display', () => {
  const heads = (count: number, max = count) =>
    Buffer.concat([Buffer.from([count, 0, max, 0]), Buffer.alloc(28 * count, 3)]);

  it.each([true, false])('are cut to as many as are allowed (mini header: %s)', async (miniHeader) => {
    const scene = PolicyScene.of('display', { maxMonitors: 2 }, { miniHeader });
    await scene.say(
      'down',
      [304, Buffer.alloc(90)],
      [MONITORS_CONFIG, heads(4)],
      [MONITORS_CONFIG, heads(1, 4)],
    );
    await scene.say('down', [MONITORS_CONFIG, heads(2)], [MONITORS_CONFIG, Buffer.alloc(2)]);
    expect(scene.bodies('down', MONITORS_CONFIG)).toEqual([heads(2), heads(1, 2), heads(2), Buffer.alloc(2)]);
    expect(scene.types('down')).toHaveLength(5);
    expect(scene.counted()).toEqual(['max_monitors server_to_client 2']);
  });

  it('are fewer on the later display channels', async () => {
    const scene = PolicyScene.of('display', { maxMonitors: 3 }, { id: 2 });
    await scene.say('down', [MONITORS_CONFIG, heads(3)]);
    expect(scene.bodies('down', MONITORS_CONFIG)).toEqual([heads(1)]);
  });

  it('leave messages within messages where they are', async () => {
    const scene = PolicyScene.of('display', { maxMonitors: 1 }, { miniHeader: false });
    const carrier = Buffer.concat([heads(2), Buffer.from('0100', 'hex'), words(66)]);
    await scene.send('down', encodeMessage(MONITORS_CONFIG, carrier, { miniHeader: false, subList: 60 }));
    await scene.send('down', encodeMessage(304, carrier, { miniHeader: false, subList: 60 }));
    const [cut] = scene.bodies('down', MONITORS_CONFIG);
    expect(cut).toHaveLength(carrier.length);
    expect(cut!.readUInt32LE(0)).toBe(0x00010001);
    expect(scene.bodies('down', 304)).toEqual([carrier]);
    expect(scene.faults).toEqual([]);
  });
});

describe('a channel that the policy does not concern', () => {
  const wants = (interest: Interest | undefined): boolean =>
    interest?.bodies !== undefined || interest?.headers !== undefined;
  const seen = (stages: readonly Stage[]): boolean => stages.some(({ up, down }) => wants(up) || wants(down));
  const OTHERS = Object.keys(CHANNEL).filter((name) => name !== 'main') as ChannelName[];

  it.each(OTHERS)('costs nothing: %s', (name) => {
    expect(seen(PolicyScene.of(name).stages)).toBe(false);
    const policy: Partial<GuestPolicy> = { clipboard: 'none', fileTransfer: 'none' };
    expect(seen(PolicyScene.of(name, policy).stages)).toBe(false);
  });

  it('costs nothing again when the policy concerns it no longer', () => {
    for (const [name, policy] of [
      ['display', { maxMonitors: 1 }],
      ['inputs', { viewOnly: true }],
    ] as const) {
      const scene = PolicyScene.of(name, policy);
      expect(seen(scene.stages)).toBe(true);
      scene.change({});
      expect(seen(scene.stages)).toBe(false);
    }
  });

  it('is not looked at for a list of devices unless it carries devices', () => {
    for (const name of OTHERS)
      expect(seen(PolicyScene.of(name, { usb: ['class:08'] }).stages)).toBe(name === 'usbredir');
  });
});
