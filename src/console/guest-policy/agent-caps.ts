// SPDX-License-Identifier: Apache-2.0
// What client and agent have announced to each other, and what of it they were told: when the policy changes, whoever was told
// something else is told again.
import type { Direction } from '../relay/stage.js';
import { AGENT_MESSAGE, agentMessage } from '../spice/agent-protocol.js';
import type { AgentRules } from './agent-rules.js';

/** u32 request, before the words. */
const REQUEST_BYTES = 4;
/** More words than this are passed on, and not remembered. */
const MAX_WORDS = 16;

/** The announcements of one channel. */
export class AgentCaps {
  private readonly announced: Record<Direction, readonly number[] | null> = { up: null, down: null };
  private readonly told: Record<Direction, readonly number[]> = { up: [], down: [] };

  /** Nobody has announced anything. */
  forget(): void {
    this.announced.up = null;
    this.announced.down = null;
  }

  /** An announcement, as it goes on. @param data of the message */
  change(direction: Direction, data: Buffer, rules: AgentRules): Buffer {
    const words = wordsOf(data);
    const told = rules.told(direction, words);
    this.announced[direction] = words;
    this.told[direction] = told;
    const changed = Buffer.from(data);
    told.forEach((word, index) => changed.writeUInt32LE(word, REQUEST_BYTES + 4 * index));
    return changed;
  }

  /** The announcement that is due after a change of the policy; null: none is. */
  again(direction: Direction, rules: AgentRules): Buffer | null {
    const announced = this.announced[direction];
    if (announced === null) return null;
    const told = rules.told(direction, announced);
    if (told.every((word, index) => word === this.told[direction][index])) return null;
    this.told[direction] = told;
    const data = Buffer.alloc(REQUEST_BYTES + 4 * told.length);
    told.forEach((word, index) => data.writeUInt32LE(word, REQUEST_BYTES + 4 * index));
    return agentMessage(AGENT_MESSAGE.ANNOUNCE_CAPABILITIES, data);
  }
}

function wordsOf(data: Buffer): number[] {
  const count = Math.min(MAX_WORDS, Math.max(0, Math.floor((data.length - REQUEST_BYTES) / 4)));
  return Array.from({ length: count }, (_unused, index) => data.readUInt32LE(REQUEST_BYTES + 4 * index));
}
