// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { loadConf } from '../../../../src/conf/index.js';
import { relaySettings } from '../../../../src/console/control/relay-settings.js';

describe('relaySettings', () => {
  it('are the groups that the proxy was configured with', () => {
    const { conf } = loadConf({ configFiles: [], configDirs: [] }, { OS_PROXY__LINK_TIMEOUT: '12' });
    const settings = relaySettings(conf);
    expect(settings).toMatchObject({ spice: conf.spice, proxy: conf.proxy });
    expect(settings.proxy.linkTimeout).toBe(12);
  });

  it('travel over IPC as they are, and hold no secret', () => {
    const { conf } = loadConf(
      { configFiles: [], configDirs: [] },
      {
        ...{ OS_API__AUTH_SECRET_SEED: 'the-seed-of-the-site', OS_PROXY__IDLE_TIMEOUT: 'usbredir:60' },
        OS_DEFAULT__TRANSPORT_URL: 'rabbit://kerbside:the-password@broker/',
      },
    );
    const settings = relaySettings(conf);
    expect(settings.proxy.idleTimeout).toEqual({ usbredir: 60 });
    expect(JSON.parse(JSON.stringify(settings))).toEqual(settings);
    expect(JSON.stringify(settings)).not.toMatch(/the-seed|the-password|rabbit/);
  });
});
