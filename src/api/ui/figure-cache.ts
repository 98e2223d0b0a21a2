// SPDX-License-Identifier: Apache-2.0
// The figures of the overview, read once for all who look at them.
import type { Figures } from '../../objects/overview.js';

/** For how long figures are good, ms. */
const GOOD_MS = 5000;

/** The newest figures. */
export class FigureCache {
  private reading: Promise<Figures> | undefined;
  private read = 0;

  /** @param now milliseconds of any clock that only goes on */
  constructor(
    private readonly figures: () => Promise<Figures>,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Figures that are a few seconds old at most. @throws DatabaseError */
  get(): Promise<Figures> {
    const now = this.now();
    if (this.reading !== undefined && now - this.read < GOOD_MS) return this.reading;
    this.read = now;
    const reading = this.figures();
    this.reading = reading;
    reading.catch(() => {
      if (this.reading === reading) this.reading = undefined;
    });
    return reading;
  }
}
