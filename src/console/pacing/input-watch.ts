// SPDX-License-Identifier: Apache-2.0
// The stage of the inputs channel that tells the session's pacer of what the user does. It looks at types only: which key
// it was is nobody's business.
import { PASS, type Direction, type HeaderAnswer, type Interest, type Stage } from '../relay/stage.js';
import { CLIENT_MESSAGE } from '../spice/message-types.js';

const { KEY_MODIFIERS, ...INPUTS } = CLIENT_MESSAGE.inputs;
const INPUT_TYPES: readonly number[] = Object.values(INPUTS);

/** Sees that there was an input. */
export class InputWatch implements Stage {
  readonly name = 'pacing';
  readonly up: Interest = { headers: { unseen: unseenBut(INPUT_TYPES), maxBodyBytes: Infinity } };

  /** @param seen called for each input */
  constructor(private readonly seen: () => void) {}

  onHeader(_direction: Direction, type: number): HeaderAnswer {
    if (INPUT_TYPES.includes(type)) this.seen();
    return PASS;
  }
}

function unseenBut(types: readonly number[]): Uint8Array {
  const table = new Uint8Array(512).fill(1);
  for (const type of types) table[type] = 0;
  return table;
}
