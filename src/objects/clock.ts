// SPDX-License-Identifier: Apache-2.0
// The clock of the objects: epoch seconds, as the database keeps them. Tests hand in another.

/** Epoch seconds, with fractions. */
export type Clock = () => number;

/** The machine's clock. */
export const systemClock: Clock = () => Date.now() / 1000;
