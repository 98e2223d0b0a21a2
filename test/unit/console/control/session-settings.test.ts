// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { loadConf } from '../../../../src/conf/index.js';
import { nodeSettings, settingsOf } from '../../../../src/console/control/session-settings.js';
import { sessionSettings } from '../../../fixtures/session-settings.js';

describe('the settings of a session', () => {
  it('are those of the node where nobody says anything', () => {
    expect(settingsOf(sessionSettings(), {})).toEqual(sessionSettings());
  });

  it('have what its source and its console say of guest data', () => {
    const guestPolicy = [
      { level: 'source', from: 'source lab', rules: { clipboard: 'none', viewOnly: true } },
      { level: 'console', from: 'console', rules: { clipboard: 'to-guest' } },
    ] as const;
    const node = sessionSettings({ guestPolicy: { usb: ['none'] } });
    expect(settingsOf(node, { guestPolicy })).toEqual(
      sessionSettings({ guestPolicy: { usb: ['none'], clipboard: 'to-guest', viewOnly: true } }),
    );
  });

  it('have the mode of migrations that its source or console says, and the hosts of the options', () => {
    const node = sessionSettings({ migration: { mode: 'robust', allowedHosts: ['192.0.2.0/24'] } });
    expect(settingsOf(node, { migrationMode: 'off' }).migration).toEqual({
      mode: 'off',
      allowedHosts: ['192.0.2.0/24'],
    });
    expect(settingsOf(node, {}).migration.mode).toBe('robust');
  });

  it('do not say whose word counts', () => {
    const env = { OS_GUEST_POLICY__TRUST_METADATA: 'true', OS_GUEST_POLICY__IMAGE_PROPERTIES: 'trust' };
    const node = nodeSettings(loadConf({ configFiles: [], configDirs: [] }, env).conf);
    expect(node.trust).toEqual({ metadata: true, image: 'trust' });
    const guestPolicy = [{ level: 'metadata', from: 'metadata', rules: { maxMonitors: 1 } }] as const;
    const settings = settingsOf(node, { guestPolicy });
    expect(settings.guestPolicy).toEqual({ ...sessionSettings().guestPolicy, maxMonitors: 1 });
    expect(Object.keys(settings).sort()).toEqual(['firewall', 'guestPolicy', 'migration', 'pacing']);
  });
});
