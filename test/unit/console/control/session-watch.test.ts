// SPDX-License-Identifier: Apache-2.0
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { ChannelRegistry } from '../../../../src/console/control/channel-registry.js';
import { SessionWatch } from '../../../../src/console/control/session-watch.js';
import type { SessionToClose } from '../../../../src/objects/channel-types.js';
import type { ConsoleSessions } from '../../../../src/objects/console-session.js';
import { ManualTimers } from '../../../fixtures/manual-timers.js';

const INTERVAL = 2000;

/** A node that polls a database which may be away. */
class Poller {
  away = false;
  confirmed = true;
  found: SessionToClose[] = [];
  /** How many seconds back each poll looked. */
  readonly looks: number[] = [];
  answers = 0;
  private readonly timers = new ManualTimers();
  private readonly watch: SessionWatch;

  constructor() {
    const sessionsToClose = (seconds: number): Promise<SessionToClose[]> => {
      this.looks.push(Math.round(seconds));
      return this.away ? Promise.reject(new Error('away')) : Promise.resolve(this.found);
    };
    this.watch = new SessionWatch({
      sessions: { sessionsToClose } as unknown as ConsoleSessions,
      registry: new ChannelRegistry(),
      node: 'a',
      liveness: { isConfirmed: () => this.confirmed },
      send: () => undefined,
      answered: () => (this.answers += 1),
      timers: this.timers,
    });
  }

  async poll(times: number): Promise<void> {
    for (let time = 0; time < times; time += 1) {
      await this.timers.pass(INTERVAL);
      await this.watch.poll();
    }
  }
}

describe('the poll for ended sessions', () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  it('looks back to the last one, and a little further for slow commits', async () => {
    const poller = new Poller();
    await poller.poll(3);
    expect(poller.looks).toEqual([12, 12, 12]);
  });

  it('looks back over all of an outage', async () => {
    const poller = new Poller();
    await poller.poll(1);
    poller.away = true;
    await poller.poll(50);
    poller.away = false;
    await poller.poll(2);
    expect(poller.looks.slice(-2)).toEqual([112, 12]);
    expect(poller.answers).toBe(3);
  });

  it('looks again at what it left while this node may have been taken for dead', async () => {
    const poller = new Poller();
    poller.found = [{ sessionId: 's', generation: 1, terminated: false }];
    poller.confirmed = false;
    await poller.poll(4);
    poller.confirmed = true;
    await poller.poll(2);
    expect(poller.looks).toEqual([12, 14, 16, 18, 20, 12]);
  });

  it('does not go by the clock of its machine', async () => {
    const poller = new Poller();
    await poller.poll(1);
    jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 3_600_000);
    await poller.poll(1);
    expect(poller.looks).toEqual([12, 12]);
  });
});
