// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { ChannelRegistry, type LiveChannel } from '../../../../src/console/control/channel-registry.js';

const TARGET = {
  ...{ hypervisor: 'hv', hypervisorIp: '', insecurePort: 5900, securePort: null, ticket: '' },
  ...{ caCert: null, hostSubject: null },
};

function channel(connectionRef: string, change: Partial<LiveChannel> = {}): LiveChannel {
  return {
    ...{ connectionRef, workerId: 1, pid: 10, sessionId: 's', generation: 1, source: 'lab', uuid: 'u' },
    name: 'desktop',
    ...{
      channelType: 2,
      clientIp: '192.0.2.1',
      tail: Promise.resolve(),
      established: false,
      move: null,
      ordered: null,
    },
    ...{ owner: { issuedTo: 'ann', projectId: null, userId: null }, settings: {} },
    ...{ platform: 'static', recorded: TARGET },
    ...{ migration: null, wentOver: false, migrating: null, moved: false },
    ...{ platform: 'static', recorded: TARGET, holds: false },
    ...change,
  };
}

describe('the registry of channels', () => {
  it('finds the main channels at a console, and counts sessions', () => {
    const registry = new ChannelRegistry();
    registry.add(channel('a', { channelType: 1 }));
    registry.add(channel('b'));
    registry.add(channel('c', { channelType: 1, uuid: 'v', sessionId: 't' }));
    expect(registry.mainsOf('lab', 'u').map(({ connectionRef }) => connectionRef)).toEqual(['a']);
    expect([registry.all().length, registry.sessionCount]).toEqual([3, 2]);
  });

  it('finds channels by row, session and address', () => {
    const registry = new ChannelRegistry();
    registry.add(channel('a'));
    registry.add(channel('b', { workerId: 2, sessionId: 't', source: 'other' }));
    registry.add(channel('c', { clientIp: '2001:db8::1' }));
    expect(registry.size).toBe(3);
    expect(registry.find('b')?.sessionId).toBe('t');
    expect(registry.ofSession('s').map(({ connectionRef }) => connectionRef)).toEqual(['a', 'c']);
    expect([
      registry.ofAddress('192.0.2.1'),
      registry.ofAddress('2001:db8::1'),
      registry.ofAddress('x'),
    ]).toEqual([2, 1, 0]);
    expect(registry.sessions()).toEqual([
      { sessionId: 's', source: 'lab', settings: {} },
      { sessionId: 't', source: 'other', settings: {} },
    ]);
  });

  it('removes the channels of a worker that has ended, and knows that it has', () => {
    const registry = new ChannelRegistry();
    registry.add(channel('a'));
    registry.add(channel('b', { workerId: 2 }));
    expect(registry.isGone(2)).toBe(false);
    expect(registry.removeWorker(2).map(({ connectionRef }) => connectionRef)).toEqual(['b']);
    expect([registry.size, registry.isGone(1), registry.isGone(2)]).toEqual([1, false, true]);
  });

  it('forgets a channel once', () => {
    const registry = new ChannelRegistry();
    registry.add(channel('a'));
    expect(registry.remove('a')?.connectionRef).toBe('a');
    expect(registry.remove('a')).toBeUndefined();
    expect([
      registry.size,
      registry.ofAddress('192.0.2.1'),
      registry.sessions(),
      registry.ofSession('s'),
    ]).toEqual([0, 0, [], []]);
  });
});
