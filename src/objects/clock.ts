// SPDX-License-Identifier: Apache-2.0
// The clock of the objects: epoch seconds, as the database keeps them. Tests hand in another.

/** Epoch seconds, with fractions. */
export type Clock = () => number;

/** What a database said of its clock. */
export interface ClockReading {
  /** When the statement was sent and answered, milliseconds of performance.now(). */
  readonly sent: number;
  readonly received: number;
  /** Epoch seconds. */
  readonly databaseTime: number;
}

/** The machine's clock. */
export const systemClock: Clock = () => Date.now() / 1000;
