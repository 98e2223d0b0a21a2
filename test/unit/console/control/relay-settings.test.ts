// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { loadConf } from '../../../../src/conf/index.js';
import { relaySettings } from '../../../../src/console/control/relay-settings.js';

describe('relaySettings', () => {
  it('are the promised ones by default', () => {
    const { conf } = loadConf({ configFiles: [], configDirs: [] }, {});
    expect(relaySettings(conf)).toMatchObject({
      ...{ addresses: ['::'], securePort: 5900, insecurePort: 5901, linkTimeout: 30, backendTimeout: 10 },
      ...{ backendTransport: 'prefer_tls', maxConnections: 20_000, maxConnectionsPerAddress: 512 },
      ...{ proxyProtocolFrom: [] },
      ...{ maxHalfOpenPerAddress: 64, idleTimeouts: {}, firewallMode: 'enforce', permittedChannels: [] },
    });
  });

  it('travel over IPC as they are, and hold no secret', () => {
    const { conf } = loadConf(
      { configFiles: [], configDirs: [] },
      { OS_API__AUTH_SECRET_SEED: 'the-seed-of-the-site', OS_PROXY__IDLE_TIMEOUT: 'usbredir:60' },
    );
    const settings = relaySettings(conf);
    expect(settings.idleTimeouts).toEqual({ usbredir: 60 });
    expect(JSON.parse(JSON.stringify(settings))).toEqual(settings);
    expect(JSON.stringify(settings)).not.toContain('the-seed');
  });
});
