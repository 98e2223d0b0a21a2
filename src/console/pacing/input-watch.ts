// SPDX-License-Identifier: Apache-2.0
// The stage of the inputs channel that tells the session's pacer of what the user does. It looks at types only: which key
// it was is nobody's business.
import {
  PASS,
  unseenBut,
  type Direction,
  type HeaderAnswer,
  type Interest,
  type Stage,
} from '../relay/stage.js';
import { CLIENT_MESSAGE } from '../spice/message-types.js';

const INPUTS = CLIENT_MESSAGE.inputs;
const INPUT_TYPES: readonly number[] = Object.values(INPUTS).filter((type) => type !== INPUTS.KEY_MODIFIERS);

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
