// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { LiveChannels, type LiveChannel } from '../../../../src/console/control/live-channels.js';

function channel(connectionRef: string, change: Partial<LiveChannel> = {}): LiveChannel {
  return {
    ...{ connectionRef, workerId: 1, pid: 10, sessionId: 's', generation: 1, source: 'lab', uuid: 'u' },
    ...{ channelType: 2, clientIp: '192.0.2.1', tail: Promise.resolve(), established: false, move: null },
    owner: { issuedTo: 'ann', projectId: null, userId: null },
    ...change,
  };
}

describe('LiveChannels', () => {
  it('finds the main channels at a console, and counts sessions', () => {
    const live = new LiveChannels();
    live.add(channel('a', { channelType: 1 }));
    live.add(channel('b'));
    live.add(channel('c', { channelType: 1, uuid: 'v', sessionId: 't' }));
    expect(live.mainsOf('lab', 'u').map(({ connectionRef }) => connectionRef)).toEqual(['a']);
    expect([live.all().length, live.sessionCount]).toEqual([3, 2]);
  });

  it('finds channels by name, session, worker and address', () => {
    const live = new LiveChannels();
    live.add(channel('a'));
    live.add(channel('b', { workerId: 2, sessionId: 't', source: 'other' }));
    live.add(channel('c', { clientIp: '2001:db8::1' }));
    expect(live.size).toBe(3);
    expect(live.find('b')?.sessionId).toBe('t');
    expect(live.ofSession('s').map(({ connectionRef }) => connectionRef)).toEqual(['a', 'c']);
    expect(live.ofWorker(2).map(({ connectionRef }) => connectionRef)).toEqual(['b']);
    expect([live.ofAddress('192.0.2.1'), live.ofAddress('2001:db8::1'), live.ofAddress('x')]).toEqual([
      2, 1, 0,
    ]);
    expect(live.sessions()).toEqual([
      { sessionId: 's', source: 'lab' },
      { sessionId: 't', source: 'other' },
    ]);
  });

  it('forgets a channel once', () => {
    const live = new LiveChannels();
    live.add(channel('a'));
    expect(live.remove('a')?.connectionRef).toBe('a');
    expect(live.remove('a')).toBeUndefined();
    expect([live.size, live.ofAddress('192.0.2.1'), live.sessions(), live.ofSession('s')]).toEqual([
      0,
      0,
      [],
      [],
    ]);
  });
});
