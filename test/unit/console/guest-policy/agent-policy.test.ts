// SPDX-License-Identifier: Apache-2.0
// The clipboard, files and monitors of the agent under every policy: what passes, what does not, who is answered, and that both
// sides have as many tokens as they believe.
import { describe, expect, it } from '@jest/globals';
import type { GuestPolicy } from '../../../../src/console/guest-channels.js';
import type { Direction } from '../../../../src/console/relay/stage.js';
import { agent, AGENT_DATA, inParts, PolicyScene, words } from '../../../fixtures/guest-policy-scene.js';
import { aTurn } from '../../../fixtures/channel-pipeline.js';
import { encodeMessage } from '../../../fixtures/spice-messages.js';

const SELECTION = '01000000';
const START = [106, words(0xffffffff)] as const;
/** Monitors, clipboard, by demand, selection, files and grabs with a serial. */
const CAPS = 0b10_0000_0000_0111_1110 | (1 << 17);

/** GRAB, REQUEST, CLIPBOARD and RELEASE, of text and of files, with and without a selection. */
const CLIPBOARD: Readonly<Record<string, Buffer>> = {
  grab: agent(7, `${SELECTION}01000000`),
  'grab of files': agent(7, `${SELECTION}06000000`),
  'grab without selection': agent(7, '01000000'),
  request: agent(8, `${SELECTION}01000000`),
  'request without selection': agent(8, '01000000'),
  clipboard: agent(4, `${SELECTION}01000000aabbcc`),
  'clipboard without selection': agent(4, '0100000061'),
  release: agent(9, SELECTION),
  'release without selection': agent(9),
};

function hexOf(message: Buffer): string {
  const data = message.subarray(20).toString('hex');
  return `${String(message.readUInt32LE(4))} ${data}`.trim();
}

/** Which policies let a message through. */
function passes(clipboard: GuestPolicy['clipboard'], direction: Direction, name: string): boolean {
  const asks = name.startsWith('request');
  const needed = (direction === 'up') !== asks ? 'to-guest' : 'from-guest';
  return clipboard === 'both' || clipboard === needed;
}

const POLICIES = ['none', 'to-guest', 'from-guest', 'both'] as const;
const CASES = POLICIES.flatMap((clipboard) =>
  (['up', 'down'] as const).flatMap((direction) =>
    Object.keys(CLIPBOARD).map((name) => ({ clipboard, direction, name })),
  ),
);

describe('a message of the clipboard', () => {
  it.each(CASES)(
    '$direction: $name under "$clipboard" passes, or is answered and its token given back',
    async ({ clipboard, direction, name }) => {
      const other = direction === 'up' ? 'down' : 'up';
      const message = CLIPBOARD[name]!;
      for (const miniHeader of [true, false]) {
        const scene = PolicyScene.of('main', { clipboard }, { miniHeader });
        await scene.say('up', START);
        await scene.say(direction, [AGENT_DATA[direction], message]);
        const good = passes(clipboard, direction, name);
        expect(scene.agent(direction)).toEqual(good ? [hexOf(message)] : []);
        expect(scene.tokens(other)).toBe(good ? 0 : 1);
        const asks = name.startsWith('request');
        const selection = name.endsWith('without selection') ? '' : SELECTION;
        expect(scene.agent(other)).toEqual(!good && asks ? [`4 ${selection}00000000`] : []);
        const counted = direction === 'up' ? 'client_to_server' : 'server_to_client';
        expect(scene.counted()).toEqual(good ? [] : [`clipboard ${counted} 1`]);
        expect(scene.faults).toEqual([]);
      }
    },
  );

  it.each([true, false])(
    'is judged the same wherever its bytes are cut (mini header: %s)',
    async (miniHeader) => {
      const parts = [
        agent(6, words(0, CAPS)),
        CLIPBOARD['grab']!,
        agent(4, Buffer.alloc(3000, 7)).subarray(0, 2048),
        agent(4, Buffer.alloc(3000, 7)).subarray(2048),
        CLIPBOARD['release']!,
        agent(5, words(0, 32)),
      ];
      const bytes = Buffer.concat(parts.map((part) => encodeMessage(AGENT_DATA.up, part, { miniHeader })));
      const whole = PolicyScene.of('main', { clipboard: 'from-guest' }, { miniHeader });
      await whole.send('up', bytes);
      expect(whole.agent('up')).toEqual([
        `6 ${words(0, CAPS & ~(1 << 17)).toString('hex')}`,
        `5 0000000020000000`,
      ]);
      expect(whole.tokens('down')).toBe(4);
      for (let cut = 1; cut < bytes.length; cut += cut < 400 ? 1 : 97) {
        const scene = PolicyScene.of('main', { clipboard: 'from-guest' }, { miniHeader });
        await scene.send('up', bytes.subarray(0, cut), bytes.subarray(cut));
        expect(scene.up.bytes).toEqual(whole.up.bytes);
        expect(scene.tokens('down')).toBe(4);
      }
    },
  );

  it('is judged the same however a guest cuts it into parts', async () => {
    const stream = Buffer.concat([
      agent(6, words(1, CAPS)),
      agent(7, `${SELECTION}01000000`),
      agent(3, words(2, 1)),
      agent(4, Buffer.alloc(100, 9)),
      agent(3, words(2, 1)),
    ]);
    for (let size = 1; size < stream.length; size += 1) {
      const scene = PolicyScene.of('main', { clipboard: 'to-guest' });
      const parts: (readonly [number, Buffer])[] = [];
      for (let at = 0; at < stream.length; at += size)
        parts.push([AGENT_DATA.down, stream.subarray(at, at + size)]);
      await scene.say('up', START);
      await scene.say('down', ...parts);
      expect(scene.agent('down').map((line) => line.split(' ')[0])).toEqual(['6', '3', '3']);
      const passed = scene.bodies('down', AGENT_DATA.down).length;
      // Some are given back before it is known that what they paid for goes on in two parts: one for each message.
      const early = scene.tokens('up') - (parts.length - passed);
      expect(early).toBeGreaterThanOrEqual(0);
      expect(early).toBeLessThanOrEqual(3);
      expect(scene.faults).toEqual([]);
    }
  });

  it('passes untouched where everything is allowed, also when it is no agent message at all', async () => {
    const scene = PolicyScene.of('main');
    const junk = Array.from({ length: 9 }, (_unused, index) => Buffer.alloc(index * 7, index));
    await scene.say('down', ...junk.map((body) => [AGENT_DATA.down, body] as const));
    expect(scene.bodies('down', AGENT_DATA.down)).toEqual(junk);
  });
});

describe('an announcement', () => {
  const told = async (policy: Partial<GuestPolicy>, direction: Direction): Promise<number> => {
    const scene = PolicyScene.of('main', policy);
    await scene.say(direction, [AGENT_DATA[direction], agent(6, words(1, CAPS))]);
    const [body] = scene.bodies(direction, AGENT_DATA[direction]);
    expect(body).toHaveLength(28);
    return body!.readUInt32LE(24);
  };
  const CLIPBOARD_BITS = (1 << 3) | (1 << 5) | (1 << 6) | (1 << 17);

  it('is left as it is where everything is allowed', async () => {
    expect(await told({}, 'down')).toBe(CAPS);
    expect(await told({}, 'up')).toBe(CAPS);
  });

  it('has no clipboard where none is allowed, for the client and for the guest', async () => {
    expect(await told({ clipboard: 'none' }, 'down')).toBe(CAPS & ~CLIPBOARD_BITS);
    expect(await told({ clipboard: 'none' }, 'up')).toBe(CAPS & ~CLIPBOARD_BITS);
  });

  it('has no serials of grabs where one way is allowed', async () => {
    for (const clipboard of ['to-guest', 'from-guest'] as const)
      for (const direction of ['up', 'down'] as const)
        expect(await told({ clipboard }, direction)).toBe(CAPS & ~(1 << 17));
  });

  it('says that files are disabled, to the client alone', async () => {
    const disabled = 1 << 13;
    expect(await told({ fileTransfer: 'none' }, 'down')).toBe(CAPS | disabled);
    expect(await told({ fileTransfer: 'none' }, 'up')).toBe(CAPS);
    expect(await told({ viewOnly: true }, 'down')).toBe((CAPS & ~CLIPBOARD_BITS) | disabled);
  });

  it('keeps its size, with no words and with many', async () => {
    const scene = PolicyScene.of('main', { clipboard: 'none', fileTransfer: 'none' });
    const many = agent(6, words(1, ...Array.from({ length: 40 }, () => 0xffffffff)));
    await scene.say('down', [AGENT_DATA.down, agent(6, words(1))], [AGENT_DATA.down, many]);
    const [empty, long] = scene.bodies('down', AGENT_DATA.down);
    expect(empty).toEqual(agent(6, words(1)));
    expect(long).toHaveLength(many.length);
    expect(long!.subarray(28)).toEqual(many.subarray(28));
  });

  it('ends the channel when it is larger than anybody keeps', async () => {
    const scene = PolicyScene.of('main', { clipboard: 'none' });
    await scene.say('down', [AGENT_DATA.down, agent(6, Buffer.alloc(10_000)).subarray(0, 2048)]);
    expect(String(scene.faults[0])).toContain('size of agent message 6');
  });
});

describe('a file', () => {
  const data = agent(12, Buffer.concat([words(7, 3000, 0), Buffer.alloc(3000)]));

  it('is refused at its start, and again when it comes all the same', async () => {
    const scene = PolicyScene.of('main', { fileTransfer: 'none' });
    await scene.say('up', [AGENT_DATA.up, agent(10, Buffer.concat([words(7), Buffer.from('[x]\0')]))]);
    await scene.say('up', ...inParts(data));
    expect(scene.bodies('up', AGENT_DATA.up)).toEqual([]);
    expect(scene.agent('down')).toEqual(['11 0700000007000000', '11 0700000001000000']);
    expect(scene.tokens('down')).toBe(3);
    expect(scene.counted()).toEqual(['file_transfer client_to_server 2']);
  });

  it('passes where it is allowed', async () => {
    const scene = PolicyScene.of('main', { clipboard: 'none' });
    await scene.say('up', [AGENT_DATA.up, agent(10, words(7))], ...inParts(data));
    await scene.say('down', [AGENT_DATA.down, agent(11, words(7, 3))]);
    expect(scene.agent('up').map((line) => line.split(' ')[0])).toEqual(['10', '12']);
    expect(scene.agent('down')).toEqual(['11 0700000003000000']);
  });

  it('that is on its way is cancelled on both sides when the policy changes', async () => {
    const scene = PolicyScene.of('main');
    await scene.say('up', START, [AGENT_DATA.up, agent(10, words(7))], [AGENT_DATA.up, agent(10, words(8))]);
    await scene.say('down', [AGENT_DATA.down, agent(11, words(8, 3))]);
    scene.change({ fileTransfer: 'none' });
    await scene.say('up', ...inParts(data));
    expect(scene.agent('up').slice(2)).toEqual(['11 0700000001000000']);
    expect(scene.agent('down').slice(1)).toEqual(['11 0700000001000000', '11 0700000001000000']);
  });
});

describe('monitors that a client asks for', () => {
  const monitor = (width: number, height: number) => words(height, width, 32, 0, 0);
  const config = (...monitors: Buffer[]) => agent(2, Buffer.concat([words(monitors.length, 0), ...monitors]));

  it('are cut to as many as are allowed, in whatever parts they come', async () => {
    const wanted = config(monitor(800, 600), monitor(1024, 768), monitor(1, 1));
    for (let cut = 20; cut < wanted.length; cut += 1) {
      const scene = PolicyScene.of('main', { maxMonitors: 2 });
      await scene.say('up', [AGENT_DATA.up, wanted.subarray(0, cut)], [AGENT_DATA.up, wanted.subarray(cut)]);
      expect(scene.bodies('up', AGENT_DATA.up)).toEqual([config(monitor(800, 600), monitor(1024, 768))]);
      expect(scene.tokens('down')).toBe(1);
      expect(scene.counted()).toEqual(['max_monitors client_to_server 1']);
    }
  });

  it('pass as they are where they are no more than that', async () => {
    const scene = PolicyScene.of('main', { maxMonitors: 2 });
    await scene.say('up', [AGENT_DATA.up, config(monitor(800, 600))]);
    expect(scene.bodies('up', AGENT_DATA.up)).toEqual([config(monitor(800, 600))]);
    expect(scene.counted()).toEqual([]);
  });

  it('keep their sizes in millimetres', async () => {
    const scene = PolicyScene.of('main', { maxMonitors: 1 });
    const both = Buffer.concat([words(2, 3), monitor(5, 6), monitor(7, 8), words(0x00020001, 0x00040003)]);
    await scene.say('up', [AGENT_DATA.up, agent(2, both)]);
    expect(scene.bodies('up', AGENT_DATA.up)).toEqual([
      agent(2, Buffer.concat([words(1, 3), monitor(5, 6), words(0x00020001)])),
    ]);
  });

  it('are refused when none of the allowed ones is on, or their number lies', async () => {
    const scene = PolicyScene.of('main', { maxMonitors: 1 });
    await scene.say('up', [AGENT_DATA.up, config(monitor(0, 0), monitor(7, 8))]);
    await scene.say('up', [AGENT_DATA.up, agent(2, words(9, 0, 1))]);
    expect(scene.bodies('up', AGENT_DATA.up)).toEqual([]);
    expect(scene.tokens('down')).toBe(2);
  });
});

describe('a session that only looks', () => {
  it('lets the agent hear nothing but what the client can do', async () => {
    const scene = PolicyScene.of('main', { viewOnly: true });
    for (const type of [1, 2, 4, 5, 6, 7, 8, 9, 10, 12, 14, 15])
      await scene.say('up', [AGENT_DATA.up, agent(type, Buffer.alloc(24))]);
    expect(scene.agent('up').map((line) => line.split(' ')[0])).toEqual(['6']);
    expect(scene.tokens('down')).toBe(11);
    expect(scene.counted()).toEqual(['view_only client_to_server 11']);
  });
});

describe('a policy that changes', () => {
  it('holds from the next agent message on, and answers who waits', async () => {
    const scene = PolicyScene.of('main');
    const text = agent(4, Buffer.alloc(3000, 1));
    await scene.say('up', START);
    await scene.say('down', [AGENT_DATA.down, CLIPBOARD['request']!]);
    await scene.say('up', [AGENT_DATA.up, text.subarray(0, 2048)]);
    scene.change({ clipboard: 'none' });
    await scene.say('up', [AGENT_DATA.up, text.subarray(2048)], [AGENT_DATA.up, text.subarray(0, 2048)]);
    await scene.say('up', [AGENT_DATA.up, text.subarray(2048)]);
    expect(scene.agent('up').map((line) => line.split(' ')[0])).toEqual(['4']);

    const asked = PolicyScene.of('main');
    await asked.say('up', START, [AGENT_DATA.up, CLIPBOARD['request']!]);
    await asked.say('down', [AGENT_DATA.down, CLIPBOARD['request without selection']!]);
    asked.change({ clipboard: 'none' });
    expect(asked.agent('up').at(-1)).toBe('4 00000000');
    expect(asked.agent('down').at(-1)).toBe(`4 ${SELECTION}00000000`);
  });

  it('has both sides told of it, and of its end', async () => {
    const scene = PolicyScene.of('main');
    const announced = (direction: Direction): number[] =>
      scene
        .agent(direction)
        .filter((line) => line.startsWith('6'))
        .map((line) => Buffer.from(line.slice(2), 'hex').readUInt32LE(4));
    await scene.say('up', START, [AGENT_DATA.up, agent(6, words(0, CAPS))]);
    await scene.say('down', [AGENT_DATA.down, agent(6, words(1, CAPS))]);
    scene.change({ clipboard: 'to-guest' });
    scene.change({ clipboard: 'to-guest', maxMonitors: 3 });
    scene.change({});
    await aTurn();
    for (const direction of ['up', 'down'] as const)
      expect(announced(direction)).toEqual([CAPS, CAPS & ~(1 << 17), CAPS]);
    await scene.say('down', [AGENT_DATA.down, CLIPBOARD['clipboard']!]);
    expect(scene.agent('down').at(-1)).toBe(hexOf(CLIPBOARD['clipboard']!));
  });

  it('tells nothing to a client whose agent is gone', async () => {
    const scene = PolicyScene.of('main');
    await scene.say('down', [AGENT_DATA.down, agent(6, words(1, CAPS))], [108, words(0)]);
    scene.change({ clipboard: 'none' });
    expect(scene.agent('down')).toHaveLength(1);
  });
});

describe('an agent that goes in the middle of a message', () => {
  it('leaves nothing behind: the next one is heard from its first byte', async () => {
    const scene = PolicyScene.of('main', { clipboard: 'to-guest' });
    await scene.say('up', START);
    await scene.say('down', [AGENT_DATA.down, agent(4, Buffer.alloc(3000)).subarray(0, 100)]);
    await scene.say('down', [108, words(0)], [115, words(10)], [AGENT_DATA.down, agent(3, words(2, 1))]);
    expect(scene.agent('down')).toEqual(['3 0200000001000000']);
  });

  it('does not swallow what its client says to the next one', async () => {
    const scene = PolicyScene.of('main', { clipboard: 'from-guest' });
    await scene.say('up', START, [AGENT_DATA.up, agent(4, Buffer.alloc(3000)).subarray(0, 2048)]);
    await scene.say('down', [108, words(0)], [115, words(10)]);
    await scene.say('up', START, [AGENT_DATA.up, agent(5, words(0, 32))]);
    expect(scene.agent('up')).toEqual(['5 0000000020000000']);
  });
});
