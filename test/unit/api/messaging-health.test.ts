// SPDX-License-Identifier: Apache-2.0
// What /healthcheck says of the broker: of this process, and of the conductors of the site.
import { describe, expect, it } from '@jest/globals';
import { MessagingHealth } from '../../../src/api/messaging-health.js';
import type { Service } from '../../../src/objects/service.js';

type Report = Readonly<Record<string, unknown>>;

function aService(report: Report, state: 'up' | 'down' = 'up'): Service {
  return {
    ...{ id: 1, host: 'a', binary: 'kerbside-conductor', pid: 1, version: '1', state, status: 'running' },
    ...{ started: 0, heartbeat: 0, age: 0, downSince: null, report },
  };
}

const says = (state: unknown): Report => ({ notifications: { state } });

function health(
  services: readonly Service[],
  own: Report = {},
  broker: 'off' | 'connected' | 'disconnected' = 'connected',
) {
  const asked = { times: 0, away: false };
  const list = () => {
    asked.times += 1;
    return asked.away
      ? Promise.reject(new Error('away'))
      : Promise.resolve({ items: [...services], next: null });
  };
  const parts = { messaging: () => ({ state: broker, fault: null }), describe: () => own };
  return { asked, health: new MessagingHealth({ ...parts, services: { list }, downTime: 15 }) };
}

describe('what is said of notifications', () => {
  it.each([
    ['of the best conductor', [says('disconnected'), says('receiving'), says('none yet')], 'receiving'],
    ['of the only one', [says('none yet')], 'none yet'],
    ['of one that is cut off', [says('disconnected'), says('off')], 'disconnected'],
    ['of none', [{}, says('nonsense'), says(7), { notifications: null }], 'disconnected'],
  ])('comes %s', async (_name, reports, expected) => {
    const { health: one } = health(reports.map((report) => aService(report)));
    expect(await one.report()).toEqual({ messaging: 'connected', notifications: expected });
  });

  it('does not come of a conductor that is down', async () => {
    const { health: one } = health([aService(says('receiving'), 'down'), aService(says('none yet'))]);
    expect(await one.report()).toMatchObject({ notifications: 'none yet' });
  });

  it('is off where there is no broker and no conductor', async () => {
    expect(await health([], {}, 'off').health.report()).toEqual({ messaging: 'off', notifications: 'off' });
  });

  it('comes of this process itself when it is a conductor, without a question', async () => {
    const { asked, health: one } = health([aService(says('off'))], says('receiving'));
    expect(await one.report()).toMatchObject({ notifications: 'receiving' });
    expect(asked.times).toBe(0);
  });

  it('is remembered for a moment, and when the database is away', async () => {
    const { asked, health: one } = health([aService(says('receiving'))]);
    for (let times = 0; times < 5; times += 1) await one.report();
    expect(asked.times).toBe(1);
    const { asked: other, health: second } = health([]);
    other.away = true;
    expect(await second.report()).toMatchObject({ notifications: 'disconnected' });
  });
});
