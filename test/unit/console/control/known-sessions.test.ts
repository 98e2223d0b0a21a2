// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { KnownSessions } from '../../../../src/console/control/known-sessions.js';
import type { ChannelGrant } from '../../../../src/objects/channel-types.js';
import { OWNER } from '../../../fixtures/control-plane.js';

const TARGET = {
  ...{ hypervisor: 'hv', hypervisorIp: '192.0.2.7', insecurePort: null, securePort: 5901, ticket: 't' },
  ...{ caCert: null, hostSubject: null },
};
const MAIN: ChannelGrant = {
  ...{ kind: 'granted', connectionRef: 'main', sessionId: 's', generation: 1, proxyConnectionId: 42 },
  ...{ backendConnectionId: 0, source: 'lab', uuid: 'u', name: 'u', tokenFingerprint: 'f', owner: OWNER },
  ...{
    connectInfo: { ...TARGET, hypervisorIp: '192.0.2.6' },
    platform: 'static',
    settings: {},
    migration: null,
    hold: 'holds',
  },
};
const ASKING = { ticket: 'good', connectionId: 42, channelType: 2 };

function scene(): { known: KnownSessions; clock: { now: number } } {
  const clock = { now: 1000 };
  const known = new KnownSessions(() => clock.now);
  known.granted('good', MAIN, TARGET);
  return { known, clock };
}

describe('KnownSessions', () => {
  it('knows the main channel of a session that has come up, and where it leads', () => {
    const { known } = scene();
    expect(known.mainOf(ASKING)).toBeNull();
    known.established('main', 77);
    expect(known.mainOf(ASKING)).toEqual({ ...MAIN, backendConnectionId: 77, connectInfo: TARGET });
  });

  it.each([
    ['a wrong ticket', { ticket: 'bad' }],
    ['a wrong session id', { connectionId: 43 }],
    ['no session id', { connectionId: 0 }],
    ['a main channel', { channelType: 1 }],
  ])('leaves %s to the database', (_, change) => {
    const { known } = scene();
    known.established('main', 77);
    expect(known.mainOf({ ...ASKING, ...change })).toBeNull();
  });

  it('forgets what may have changed meanwhile', () => {
    const { known, clock } = scene();
    known.established('main', 77);
    clock.now += 10_000;
    expect(known.mainOf(ASKING)).not.toBeNull();
    clock.now += 1;
    expect(known.mainOf(ASKING)).toBeNull();
  });

  it('forgets a session whose main channel has ended', () => {
    const { known } = scene();
    known.established('main', 77);
    known.forget('another');
    expect(known.mainOf(ASKING)).not.toBeNull();
    known.forget('main');
    expect(known.mainOf(ASKING)).toBeNull();
    known.established('main', 77);
    expect(known.mainOf(ASKING)).toBeNull();
  });
});
