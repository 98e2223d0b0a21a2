// SPDX-License-Identifier: Apache-2.0
// The turns of nodes on both engines: one node at a time for one console, ended by itself, and no task of the conductors.
import { describe, expect, it } from '@jest/globals';
import { Leases } from '../../../src/objects/lease.js';
import { MintTurns } from '../../../src/objects/mint-turn.js';
import { databasesOf, ENGINES } from '../../fixtures/database.js';
import { waitFor } from '../../fixtures/program.js';

describe.each(ENGINES)('turns on %s', (engine) => {
  const databases = databasesOf(engine);

  it('are of one node at a time, each for its console', async () => {
    const db = await databases.fresh();
    const turnsOf = (node: string, runId: string): MintTurns =>
      new MintTurns(new Leases(db, { holder: `${node} tickets`, runId }));
    const [a, b] = [turnsOf('a', 'run-a'), turnsOf('b', 'run-b')];
    expect(await a.take('pve', '100', 60)).toBe(true);
    expect([await b.take('pve', '100', 60), await a.take('pve', '100', 60)]).toEqual([false, true]);
    expect(await b.take('pve', '101', 60)).toBe(true);
    await a.giveUp('pve', '100');
    expect(await b.take('pve', '100', 0.2)).toBe(true);
    await waitFor('the end of the turn', () => a.take('pve', '100', 60));
    // After a restart.
    expect(await turnsOf('a', 'run-c').take('pve', '100', 60)).toBe(true);
    expect(await b.take('pve', '100', 60)).toBe(false);
    // Conductors see none of it.
    expect((await new Leases(db, { holder: 'c', runId: 'c' }).look()).leases).toEqual([]);
  });

  it('are of one node when many ask at the same moment', async () => {
    const db = await databases.fresh();
    const nodes = Array.from(
      { length: 8 },
      (_, count) => new MintTurns(new Leases(db, { holder: `node-${String(count)}`, runId: String(count) })),
    );
    const taken = await Promise.all(nodes.map((node) => node.take('pve', '100', 60)));
    expect(taken.filter(Boolean)).toHaveLength(1);
  });
});
