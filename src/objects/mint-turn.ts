// SPDX-License-Identifier: Apache-2.0
// Whose turn it is to have a ticket made for a console. On platforms where a new ticket makes the one before useless for new channels, two
// nodes that carry one desktop would revoke each other's while its channels open: one node has the turn until they have. A turn is a
// lease; tickets are not in it.
import { hash } from 'node:crypto';
import { MINT_LEASES } from '../db/api/leases.js';
import type { Leases } from './lease.js';

/** Consoles share so many leases, so that their table does not grow; two that share one wait for each other at times. */
const DIGITS = 3;

/** The turns, as one process sees them. */
export class MintTurns {
  constructor(private readonly leases: Pick<Leases, 'take' | 'giveUp'>) {}

  /**
   * Takes the turn for some seconds, or keeps it for so many from now on; false: another node has it.
   * @throws DatabaseError
   */
  take(source: string, uuid: string, seconds: number): Promise<boolean> {
    return this.leases.take(nameOf(source, uuid), seconds, { ofFormerRun: true });
  }

  /** Gives the turn up. @throws DatabaseError */
  giveUp(source: string, uuid: string): Promise<void> {
    return this.leases.giveUp([nameOf(source, uuid)]);
  }
}

function nameOf(source: string, uuid: string): string {
  return `${MINT_LEASES}${hash('sha256', JSON.stringify([source, uuid])).slice(0, DIGITS)}`;
}
