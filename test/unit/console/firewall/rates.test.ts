// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { ConnectionEnded } from '../../../../src/console/connection/ends.js';
import { Firewall } from '../../../../src/console/firewall/firewall.js';
import { CHANNEL } from '../../../../src/console/spice/constants.js';
import { PipelineScene } from '../../../fixtures/channel-pipeline.js';
import { encodeMessage } from '../../../fixtures/spice-messages.js';
import { sessionSettings } from '../../../fixtures/session-settings.js';

const MOTION = 111;
const DATA = 101;

interface Rated {
  readonly scene: PipelineScene;
  /** Milliseconds. */
  now: number;
}

function rated(channel: 'inputs' | 'usbredir', mode: 'enforce' | 'warn' | 'off', ...rates: string[]): Rated {
  const clock = { now: 1000 };
  const settings = sessionSettings({ firewall: { mode, rates } });
  const firewall = new Firewall(CHANNEL[channel], settings, 1 << 20, () => clock.now);
  const scene = new PipelineScene({ up: [firewall], down: [firewall] }, { channel }).start();
  return Object.assign(clock, { scene });
}

const motion = (): Buffer => encodeMessage(MOTION, Buffer.alloc(10), { miniHeader: true });
const data = (bytes: number): Buffer => encodeMessage(DATA, Buffer.alloc(bytes), { miniHeader: true });
const motions = (count: number): Buffer => Buffer.concat(Array.from({ length: count }, motion));

describe('the rate of a direction', () => {
  it('lets so many messages pass at once, and then so many a second', async () => {
    const at = rated('inputs', 'enforce', 'inputs.client_to_server.messages=10:20');
    await at.scene.send('up', motions(20));
    at.now += 500;
    await at.scene.send('up', motions(5));
    at.now += 60_000;
    await at.scene.send('up', motions(20));
    expect([at.scene.types('up').length, at.scene.faults]).toEqual([45, []]);
    await at.scene.send('up', motion());
    expect(at.scene.faults).toEqual([
      new ConnectionEnded('client broke the protocol', 'more than 10 messages a second'),
    ]);
    expect(at.scene.pipeline.verdicts().map(({ rule, action }) => [rule, action])).toEqual([
      ['rate_cap', 'enforced'],
    ]);
    expect(at.scene.types('up')).toHaveLength(45);
  });

  it('counts the bytes of bodies, and lets as many pass at once as in a second where nothing else is said', async () => {
    const at = rated('usbredir', 'enforce', 'usbredir.server_to_client.bytes=1000');
    await at.scene.send('down', data(600), data(400), data(0));
    await at.scene.send('up', data(5000));
    expect(at.scene.faults).toEqual([]);
    at.now += 999;
    await at.scene.send('down', data(1000));
    expect(at.scene.faults).toEqual([
      new ConnectionEnded('backend broke the protocol', 'more than 1000 bytes a second'),
    ]);
  });

  it('lets what is too much pass in warn mode, and counts it', async () => {
    const at = rated('inputs', 'warn', 'inputs.client_to_server.messages=1');
    await at.scene.send('up', motions(3));
    expect([at.scene.types('up').length, at.scene.faults]).toEqual([3, []]);
    expect(at.scene.pipeline.verdicts()).toMatchObject([{ rule: 'rate_cap', action: 'observed', count: 2 }]);
  });

  it('is that of its own channel, and holds where the firewall is on', async () => {
    const other = rated('usbredir', 'enforce', 'inputs.client_to_server.messages=1');
    await other.scene.send('up', data(1), data(1));
    const off = rated('inputs', 'off', 'inputs.client_to_server.messages=1');
    await off.scene.send('up', motions(2));
    expect([other.scene.faults, off.scene.faults]).toEqual([[], []]);
  });

  it('may change, and fills up only when it does', async () => {
    const at = rated('inputs', 'enforce', 'inputs.client_to_server.messages=5');
    await at.scene.send('up', motions(5));
    at.scene.pipeline.useSettings(
      sessionSettings({ firewall: { rates: ['inputs.client_to_server.messages=6'] } }),
    );
    await at.scene.send('up', motions(6));
    at.scene.pipeline.useSettings(
      sessionSettings({ firewall: { rates: ['inputs.client_to_server.messages=6'] } }),
    );
    await at.scene.send('up', motion());
    expect([at.scene.types('up').length, at.scene.faults.length]).toEqual([11, 1]);
  });
});
