// SPDX-License-Identifier: Apache-2.0
// Whatever a server draws, and however pushes and sends are interleaved: the picture is at each moment made of states
// that each cell has really had, never goes back, and is in the end the one that the server's order gives. A failure
// names its seed. DRAW_MODEL_DRAWS sets the number of messages (default 200,000), DRAW_MODEL_SEED where to begin: a seed
// that has failed fails again alone with DRAW_MODEL_DRAWS=1.
import { describe, expect, it } from '@jest/globals';
import { compareOrders } from '../../../fixtures/draw-comparison.js';
import { LIES, type Lie } from '../../../fixtures/draw-sequence.js';

const MESSAGES = Number(process.env['DRAW_MODEL_DRAWS'] ?? 200_000);
const FIRST_SEED = Number(process.env['DRAW_MODEL_SEED'] ?? 1);
/** Sequences in which a lie has to be found out. */
const LIE_SEQUENCES = 300;
describe('a queue of draws, against the order of the server', () => {
  it('gives the same picture', () => {
    const sums = { messages: 0, superseded: 0, frames: 0, overtaking: 0 };
    let seed = FIRST_SEED;
    for (; sums.messages < MESSAGES; seed++) {
      try {
        const { in: messages, queue } = compareOrders(seed, null);
        sums.messages += messages;
        sums.superseded += queue.counters.supersededDraws;
        sums.frames += queue.counters.supersededFrames;
        sums.overtaking += queue.counters.overtakingDraws;
      } catch (error) {
        throw new Error(`seed ${String(seed)}: ${String(error)}`, { cause: error });
      }
    }
    if (seed - FIRST_SEED < 100) return;
    // The queue must have had something to do, or nothing was tested.
    expect(sums.superseded / sums.messages).toBeGreaterThan(0.1);
    expect(sums.overtaking / sums.messages).toBeGreaterThan(0.05);
    expect(sums.frames / sums.messages).toBeGreaterThan(0.001);
  });

  it.each(LIES)('shows a fault when the bytes keep silent about: %s', (lie) => {
    const seeds = Array.from({ length: LIE_SEQUENCES }, (_, seed) => seed);
    expect(seeds.some((seed) => fault(seed, lie) !== null)).toBe(true);
  });
});

function fault(seed: number, lie: Lie): string | null {
  try {
    compareOrders(seed, lie);
    return null;
  } catch (error) {
    return String(error);
  }
}
