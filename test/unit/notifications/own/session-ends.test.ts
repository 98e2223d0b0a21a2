// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Database } from '../../../../src/objects/database.js';
import type { OwnNotifications } from '../../../../src/notifications/own/own-notifications.js';
import { SessionEnds, type EndPublisher } from '../../../../src/notifications/own/session-ends.js';

const ROW = {
  ...{ session_id: 's', source: 'lab', uuid: 'u', node: 'one', client_ip: '192.0.2.1', reason: 'idle' },
  ...{ created: 100, connected: 101, closed: 160.5, duration: null, issued_to: null },
  ...{ project_id: null, user_id: null, channels: 3, bytes_up: '12', bytes_down: '9007199254740' },
};

/** Ends over a database that answers as told. */
class Scene {
  away = false;
  rows: object[] = [ROW];
  wanted = true;
  readonly told: unknown[] = [];
  readonly ends: SessionEnds;

  constructor(teller: EndPublisher = 'node') {
    const query = (): Promise<object[]> =>
      this.away ? Promise.reject(new Error('away')) : Promise.resolve(this.rows);
    const told = (usage: unknown): void => void this.told.push(usage);
    const own = { wanted: this.wanted, ended: told };
    this.ends = new SessionEnds({ query } as unknown as Database, own as unknown as OwnNotifications, teller);
  }
}

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

describe('the end of a session', () => {
  it('is told once the other nodes have had time to write theirs, with sums as numbers', async () => {
    const scene = new Scene();
    scene.ends.add('s', 2);
    await jest.advanceTimersByTimeAsync(2900);
    expect(scene.told).toEqual([]);
    await jest.advanceTimersByTimeAsync(200);
    expect(scene.told).toMatchObject([
      { sessionId: 's', generation: 2, duration: 60.5, bytesUp: 12, bytesDown: 9007199254740, channels: 3 },
    ]);
  });

  it.each<[EndPublisher, string, object, number]>([
    ['conductor', 'that it has closed for a silent node', { reason: 'node lost' }, 1],
    ['node', 'that a conductor has closed, and told', { reason: 'node lost' }, 0],
    ['node', 'that it has given up itself', { reason: 'node lost', duration: 60.5 }, 1],
    ['node', 'that an earlier run of it has left open', { reason: 'node restarted' }, 1],
    ['conductor', 'that its node has opened again', { closed: null, reason: null }, 0],
    ['node', 'that runs', { closed: null, reason: null }, 0],
    ['conductor', 'that its node has opened again and ended', { duration: 70 }, 0],
  ])('is told by the %s of one %s: %j, %i times', async (teller, _title, change, times) => {
    const scene = new Scene(teller);
    scene.rows = [{ ...ROW, ...change }];
    scene.ends.add('s', 1);
    await jest.advanceTimersByTimeAsync(3100);
    expect(scene.told).toHaveLength(times);
  });

  it('waits for a database that is away', async () => {
    const scene = new Scene();
    scene.away = true;
    scene.ends.add('s', 1);
    await jest.advanceTimersByTimeAsync(60_000);
    scene.away = false;
    await jest.advanceTimersByTimeAsync(6000);
    expect(scene.told).toHaveLength(1);
  });

  it('is told once when the process ends while it is being told', async () => {
    const scene = new Scene();
    scene.ends.add('s', 1);
    jest.advanceTimersByTime(3000);
    await scene.ends.close();
    expect(scene.told).toHaveLength(1);
  });

  it('is told at once when the process ends, and never when nothing is known of it', async () => {
    const scene = new Scene();
    scene.ends.add('s', 1);
    await scene.ends.close();
    expect(scene.told).toHaveLength(1);
    scene.rows = [];
    scene.ends.add('s', 2);
    await scene.ends.close();
    await jest.advanceTimersByTimeAsync(60_000);
    expect(scene.told).toHaveLength(1);
  });
});
