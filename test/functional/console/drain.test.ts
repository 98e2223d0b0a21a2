// SPDX-License-Identifier: Apache-2.0
// What a drain waits for: sessions, and nobody else.
import { connect } from 'node:tls';
import { once } from 'node:events';
import { expect, it } from '@jest/globals';
import { Site } from '../../fixtures/kerbside.js';
import { waitFor } from '../../fixtures/program.js';

it('a stop does not wait for a stranger who has come no further than the TLS handshake', async () => {
  const site = await Site.start({ OS_PROXY__LINK_TIMEOUT: '30', OS_PROXY__DRAIN_TIMEOUT: '86400' });
  try {
    const { ca } = site.certificates.authority;
    const stranger = connect({
      ...{ host: '127.0.0.1', port: site.kerbside.ports.secure, ca },
      checkServerIdentity: () => undefined,
    });
    stranger.on('error', () => undefined);
    await once(stranger, 'secureConnect');
    site.kerbside.program.child.kill('SIGTERM');
    await waitFor('an end', () => site.kerbside.program.ended() !== null);
    expect(site.kerbside.program.ended()).toBe(0);
    stranger.destroy();
  } finally {
    await site.stop();
  }
});
