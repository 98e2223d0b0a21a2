// SPDX-License-Identifier: Apache-2.0
// Tokens of the agent's stream where messages are dropped and put in, and answers of Kerbside's own between the messages of others.
import { describe, expect, it } from '@jest/globals';
import {
  agent,
  AGENT_DATA,
  AGENT_TOKEN,
  PolicyScene,
  words,
  type PolicyOptions,
} from '../../../fixtures/guest-policy-scene.js';

const SELECTION = '01000000';
const START = [106, words(0xffffffff)] as const;
const GRAB = agent(7, `${SELECTION}01000000`);
const REQUEST = agent(8, `${SELECTION}01000000`);

describe('tokens', () => {
  const grab = [AGENT_DATA.up, GRAB] as const;
  const display = [AGENT_DATA.up, agent(5, words(0, 32))] as const;

  it('let a client send for ever what is dropped', async () => {
    const scene = PolicyScene.of('main', { clipboard: 'none' });
    for (let sent = 0; sent < 50; sent += 1) await scene.say('up', grab);
    expect(scene.faults).toEqual([]);
    expect(scene.tokens('down')).toBe(50);
  });

  const beyond = async (options: PolicyOptions): Promise<PolicyScene> => {
    const scene = PolicyScene.of('main', {}, options);
    await scene.say('up', START);
    for (let sent = 0; sent < 11; sent += 1) await scene.say('up', display);
    return scene;
  };

  it('that a client does not have end its channel, by a rule of the firewall', async () => {
    const scene = await beyond({});
    expect(scene.pipeline.verdicts().map(({ rule, action }) => `${rule} ${action}`)).toEqual([
      'agent_tokens enforced',
    ]);
    expect(scene.agent('up')).toHaveLength(10);
  });

  it('are only watched where the firewall only warns, and not where it is off', async () => {
    const warned = await beyond({ mode: 'warn' });
    expect(warned.pipeline.verdicts().map(({ action }) => action)).toEqual(['observed']);
    const off = await beyond({ mode: 'off' });
    expect(off.pipeline.verdicts()).toEqual([]);
    for (const scene of [warned, off]) expect(scene.agent('up')).toHaveLength(11);
  });

  it('that the server gives pass as they are where nothing was dropped or put in', async () => {
    const scene = PolicyScene.of('main');
    await scene.say('up', display, display, display, display, display);
    await scene.say('down', [AGENT_TOKEN.down, words(5)]);
    expect(scene.bodies('down', AGENT_TOKEN.down)).toEqual([words(5)]);
  });

  it('that an answer to the guest costs are not told to the client', async () => {
    const scene = PolicyScene.of('main', { clipboard: 'none' });
    await scene.say('up', START, display, display, display, display);
    await scene.say('down', [AGENT_DATA.down, REQUEST]);
    expect(scene.agent('up').at(-1)).toBe(`4 ${SELECTION}00000000`);
    await scene.say('down', [AGENT_TOKEN.down, words(5)]);
    expect(scene.bodies('down', AGENT_TOKEN.down)).toEqual([words(4)]);
  });

  it('never let more parts go to the server than it takes', async () => {
    const scene = PolicyScene.of('main', { clipboard: 'none' });
    await scene.say('up', START);
    for (let asked = 0; asked < 30; asked += 1) await scene.say('down', [AGENT_DATA.down, REQUEST]);
    for (let sent = 0; sent < 10; sent += 1) await scene.say('up', display);
    expect(scene.bodies('up', AGENT_DATA.up)).toHaveLength(10);
    for (let given = 10; given <= 40; given += 5) {
      await scene.say('down', [AGENT_TOKEN.down, words(5)]);
      const passed = scene.bodies('up', AGENT_DATA.up).length;
      expect(passed).toBeLessThanOrEqual(given + 5);
    }
    expect(scene.agent('up').filter((line) => line.startsWith('5'))).toHaveLength(10);
    expect(scene.faults).toEqual([]);
  });

  it('begin anew with another agent, and not for what was on its way to the last one', async () => {
    const scene = PolicyScene.of('main');
    await scene.say('up', START, ...Array.from({ length: 10 }, () => display));
    await scene.say('down', [108, words(0)], [115, words(10)]);
    await scene.say('up', display, START, ...Array.from({ length: 10 }, () => display));
    expect(scene.faults).toEqual([]);
    await scene.say('up', display);
    expect(scene.faults).toHaveLength(1);
  });

  it('come from MAIN_INIT', async () => {
    const scene = PolicyScene.of('main');
    await scene.say('down', [103, words(1, 1, 3, 2, 1, 2, 0, 0)]);
    await scene.say('up', START, display, display);
    expect(scene.faults).toEqual([]);
    await scene.say('up', display);
    expect(scene.faults).toHaveLength(1);
  });
});

describe('an answer', () => {
  it('waits for the end of a message that is under way', async () => {
    const scene = PolicyScene.of('main', { fileTransfer: 'none' });
    const text = agent(4, Buffer.alloc(3000, 1));
    await scene.say('up', START);
    await scene.say('down', [AGENT_DATA.down, text.subarray(0, 2048)]);
    await scene.say('up', [AGENT_DATA.up, agent(10, words(9))]);
    expect(scene.bodies('down', AGENT_DATA.down)).toHaveLength(1);
    await scene.say('down', [AGENT_DATA.down, text.subarray(2048)]);
    expect(scene.agent('down').map((line) => line.split(' ')[0])).toEqual(['4', '11']);
  });

  it('is lost where nobody reads: no more than a few are kept', async () => {
    const scene = PolicyScene.of('main', { fileTransfer: 'none' });
    const text = agent(4, Buffer.alloc(3000, 1));
    await scene.say('down', [AGENT_DATA.down, text.subarray(0, 2048)]);
    for (let sent = 0; sent < 500; sent += 1) await scene.say('up', [AGENT_DATA.up, agent(10, words(sent))]);
    await scene.say('down', [AGENT_DATA.down, text.subarray(2048)]);
    expect(scene.agent('down').length).toBeLessThanOrEqual(65);
    expect(scene.faults).toEqual([]);
  });
});
