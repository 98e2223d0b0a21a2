// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import {
  mayMove,
  moveState,
  SESSION_MOVES,
  SESSION_STATES,
  withState,
} from '../../../../src/db/models/session-state.js';

describe('the moves of a session', () => {
  const allowed = new Set([
    'pending active',
    'pending closing',
    'pending closed',
    'active closing',
    'active migrating',
    'migrating active',
    'migrating closing',
    'closing active',
    'closing closed',
  ]);
  const moves = Object.values(SESSION_MOVES);
  const pairs = SESSION_STATES.flatMap((from) => SESSION_STATES.map((to) => [from, to] as const));

  it.each(pairs.filter(([from, to]) => from !== to))('decide %s -> %s', (from, to) => {
    const possible = moves.some((move) => move.to === to && move.from.some((state) => state === from));
    expect(possible).toBe(allowed.has(`${from} ${to}`));
  });

  it('are what the statements say', () => {
    expect(mayMove('establish')).toBe("state IN ('pending', 'closing')");
    expect(mayMove('expire')).toBe("state = 'pending'");
    expect(moveState('establish')).toBe("state = 'active'");
  });
});

describe('withState', () => {
  it('reads every state', () => {
    for (const state of SESSION_STATES) expect(withState({ id: 1, state })).toEqual({ id: 1, state });
  });

  it('refuses one of another release', () => {
    expect(() => withState({ state: 'thawing' })).toThrow(/state "thawing".*one release on all nodes/);
  });
});
