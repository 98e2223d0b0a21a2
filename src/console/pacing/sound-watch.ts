// SPDX-License-Identifier: Apache-2.0
// The stage of the playback channel that counts its bytes for the session's pacer: sound is not held up, and what it needs
// of the link is not promised to pictures.
import { PASS, type Direction, type HeaderAnswer, type Interest, type Stage } from '../relay/stage.js';

/** Counts what goes down. */
export class SoundWatch implements Stage {
  readonly name = 'pacing';
  readonly down: Interest = { headers: { unseen: new Uint8Array(512), maxBodyBytes: Infinity } };

  /** @param passed called with the bytes of each message */
  constructor(private readonly passed: (bytes: number) => void) {}

  onHeader(_direction: Direction, _type: number, size: number): HeaderAnswer {
    this.passed(size);
    return PASS;
  }
}
