// SPDX-License-Identifier: Apache-2.0
// The states of a console session, and every move between them: one table, from which the statements that move sessions
// take their conditions, so that none can do what the table does not have.
//
//   pending   a token was made; its main channel has not come up yet
//   active    the main channel is up: the session's other channels are admitted
//   migrating its guest is being moved to another hypervisor, and the client was told: what it opens now leads there
//   closing   the main channel ended, or somebody terminated the session: its channels must end. Within the grace a
//             new main channel may make it active again, unless it was terminated
//   closed    over; the row is kept for a day
import { DatabaseError } from '../../exception.js';

/** Every state, in the order of a session's life. */
export const SESSION_STATES = ['pending', 'active', 'migrating', 'closing', 'closed'] as const;

/** State of a console session. */
export type SessionState = (typeof SESSION_STATES)[number];

/** One move: from which states, and to which. */
export interface SessionMove {
  readonly from: readonly SessionState[];
  readonly to: SessionState;
}

/** What happens to sessions. A move that ends where it began only writes more of the same down. */
export const SESSION_MOVES = {
  /** The main channel has come up, for the first time or again. */
  establish: { from: ['pending', 'closing'], to: 'active' },
  /** The main channel has ended; one that never came up leaves the session as it is. */
  release: { from: ['active', 'migrating'], to: 'closing' },
  /** The client is told of a migration of its guest. */
  announce: { from: ['active', 'migrating'], to: 'migrating' },
  /** The migration did not come about. */
  stay: { from: ['migrating'], to: 'active' },
  /** The client is back from a hypervisor that its guest has left: its new main channel is on its way up. */
  return: { from: ['migrating', 'closing'], to: 'closing' },
  /** The client has gone over to the channels that it opened at the destination. */
  goOver: { from: ['migrating', 'closing'], to: 'active' },
  /** The session is terminated. */
  terminate: { from: ['pending', 'active', 'migrating', 'closing'], to: 'closing' },
  /** The token was never used. */
  expire: { from: ['pending'], to: 'closed' },
  /** The grace is over. */
  close: { from: ['closing'], to: 'closed' },
} as const satisfies Readonly<Record<string, SessionMove>>;

/** The name of a move. */
export type SessionMoveName = keyof typeof SESSION_MOVES;

/** SQL: whether a row is in a state from which the move goes. */
export function mayMove(move: SessionMoveName): string {
  const states = SESSION_MOVES[move].from.map((state) => `'${state}'`);
  return states.length === 1 ? `state = ${states.join()}` : `state IN (${states.join(', ')})`;
}

/** SQL: the move itself, for `SET`. Put it last: MySQL lets later assignments see it. */
export function moveState(move: SessionMoveName): string {
  return `state = '${SESSION_MOVES[move].to}'`;
}

/**
 * The row, with its state read.
 *
 * @throws DatabaseError when it is none that this release knows
 */
export function withState<Row extends { readonly state: string }>(row: Row): Row & { state: SessionState } {
  const state = SESSION_STATES.find((known) => known === row.state);
  if (state === undefined)
    throw new DatabaseError(
      `console_sessions has a session in the state "${row.state}", which this release does not know; run one release on all nodes`,
    );
  return { ...row, state };
}
