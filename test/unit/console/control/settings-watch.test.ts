// SPDX-License-Identifier: Apache-2.0
// What consoles and sources say for themselves while sessions live, as the control plane takes it up.
import { describe, expect, it } from '@jest/globals';
import { aGate, Scene } from '../../../fixtures/control-plane.js';
import { sessionSettings } from '../../../fixtures/session-settings.js';
import type { ConnectInfo } from '../../../../src/objects/connect-info.js';

const VIEW_ONLY = [{ level: 'source', from: 'source lab', rules: { viewOnly: true } }] as const;

/** Lets what is under way happen. */
const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('settings that change', () => {
  it('are told to each worker that carries a session, once, and hold for channels to come', async () => {
    const scene = new Scene();
    await scene.authorize(1);
    await scene.authorize(2);
    await scene.authorize(2, { id: 7, pid: 107 });
    scene.plane.settingsWatch.poll();
    await soon();
    expect(scene.settings).toEqual([]);
    scene.own = { guestPolicy: VIEW_ONLY };
    scene.plane.onFanout({ method: 'settings_changed', args: { source: 'lab' } });
    await soon();
    const settings = sessionSettings({ guestPolicy: { viewOnly: true } });
    expect(scene.settings).toEqual([
      [1, 's', settings],
      [7, 's', settings],
    ]);
    scene.plane.settingsWatch.poll();
    await soon();
    expect(scene.settings).toHaveLength(2);
    expect(await scene.authorize(2)).toMatchObject({ settings });
    scene.plane.useSettings(sessionSettings({ guestPolicy: { maxMonitors: 2 } }));
    expect(scene.settings.at(-1)?.[2]).toEqual(
      sessionSettings({ guestPolicy: { viewOnly: true, maxMonitors: 2 } }),
    );
  });

  it.each([
    ['of its console', { method: 'console_changed', args: { source: 'lab', uuid: 'u', change: 'changed' } }],
    ['of its source', { method: 'settings_changed', args: { source: 'lab' } }],
  ] as const)('are looked for at news %s', async (_name, message) => {
    const scene = new Scene();
    await scene.authorize(1);
    scene.own = { guestPolicy: VIEW_ONLY };
    scene.plane.onFanout({ method: 'settings_changed', args: { source: 'another' } });
    await soon();
    expect(scene.settings).toEqual([]);
    scene.plane.onFanout(message);
    await soon();
    expect(scene.settings).toHaveLength(1);
  });

  it('are found by a poll although the news is missed, and although the database was away', async () => {
    const scene = new Scene();
    await scene.authorize(1);
    scene.own = { pacingMode: 'on' };
    scene.answer = Promise.reject(new Error('away'));
    scene.plane.settingsWatch.poll();
    await soon();
    expect(scene.settings).toEqual([]);
    scene.answer = Promise.resolve();
    scene.plane.settingsWatch.poll();
    await soon();
    expect(scene.settings).toEqual([[1, 's', sessionSettings({ pacing: { mode: 'on' } })]]);
  });

  it('are looked for again when they change during a look', async () => {
    const scene = new Scene();
    await scene.authorize(1);
    const gate = aGate();
    scene.answer = gate.passed;
    scene.plane.settingsWatch.poll();
    scene.plane.settingsWatch.poll();
    scene.own = { guestPolicy: VIEW_ONLY };
    gate.open();
    await soon();
    expect(scene.settings).toHaveLength(1);
  });

  it('reach a channel that was being admitted meanwhile with the next poll', async () => {
    const scene = new Scene();
    await scene.authorize(1);
    const late = aGate();
    scene.decided = late.passed;
    const second = scene.authorize(2, { id: 7, pid: 107 });
    await soon();
    scene.own = { guestPolicy: VIEW_ONLY };
    scene.plane.settingsWatch.poll();
    await soon();
    late.open();
    await second;
    const before = scene.settings.length;
    scene.plane.settingsWatch.poll();
    await soon();
    expect(scene.settings.slice(before).map(([worker]) => worker)).toEqual([1, 7]);
  });

  it('are those that the platform says now when a session begins', async () => {
    const scene = new Scene();
    scene.platform = 'openstack';
    scene.own = {
      guestPolicy: [...VIEW_ONLY, { level: 'flavor', from: 'flavor', rules: { viewOnly: false } }],
    };
    const target = { hypervisor: 'fresh', ticket: 't' } as ConnectInfo;
    const flavor = { maxMonitors: 1 };
    scene.location = () => Promise.resolve({ kind: 'confirmed', target, guestPolicy: { flavor } });
    expect(await scene.authorize(1)).toMatchObject({
      settings: sessionSettings({ guestPolicy: { viewOnly: true, maxMonitors: 1 } }),
    });
  });
});
