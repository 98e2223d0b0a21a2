// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import type { ClientConnection } from '../../../../src/console/connection/client-connection.js';
import { SessionRegistry } from '../../../../src/console/connection/session-registry.js';

interface Ended {
  readonly connection: ClientConnection;
  readonly reasons: string[];
}

function connection(sessionId: string | null, generation = 1): Ended {
  const reasons: string[] = [];
  const grant = sessionId === null ? null : { sessionId, generation };
  const end = (reason: string): void => void reasons.push(reason);
  return { connection: { grant, end } as unknown as ClientConnection, reasons };
}

describe('SessionRegistry', () => {
  it("ends a session's channels of one generation and older ones", () => {
    const registry = new SessionRegistry();
    const [old, now, other] = [connection('s', 1), connection('s', 2), connection('t', 1)];
    for (const [{ connection: one }, id] of [
      [old, 's'],
      [now, 's'],
      [other, 't'],
    ] as const) {
      registry.add(one);
      registry.join(one, id);
    }
    registry.endSession('s', 1, 'main channel closed');
    expect([old.reasons, now.reasons, other.reasons]).toEqual([['main channel closed'], [], []]);
    registry.endSession('unknown', 9, 'idle');
    registry.endAll('proxy shut down');
    expect([old.reasons.length, now.reasons, other.reasons]).toEqual([
      2,
      ['proxy shut down'],
      ['proxy shut down'],
    ]);
  });

  it('tells when it is empty: at once, and each time the last one has gone', () => {
    const registry = new SessionRegistry();
    let calls = 0;
    registry.whenEmpty(() => (calls += 1));
    expect(calls).toBe(1);
    const [one, two] = [connection(null), connection('s')];
    registry.add(one.connection);
    registry.add(two.connection);
    registry.join(two.connection, 's');
    registry.remove(two.connection);
    registry.endSession('s', 9, 'idle');
    expect([calls, two.reasons]).toEqual([1, []]);
    registry.remove(one.connection);
    expect(calls).toBe(2);
  });

  it('tells when no session is left, whoever is still in the link stage', () => {
    const registry = new SessionRegistry();
    let calls = 0;
    registry.whenIdle(() => (calls += 1));
    const [stranger, one, two] = [connection(null), connection('s'), connection('s')];
    registry.add(stranger.connection);
    for (const { connection: channel } of [one, two]) {
      registry.add(channel);
      registry.join(channel, 's');
    }
    registry.remove(one.connection);
    expect(calls).toBe(1);
    registry.remove(two.connection);
    expect(calls).toBe(2);
    registry.remove(stranger.connection);
    expect(calls).toBe(2);
  });
});
