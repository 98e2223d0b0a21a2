// SPDX-License-Identifier: Apache-2.0
// The grammar of one direction of a channel, as far as headers go: which message types it may carry, and which sizes their
// bodies may have. Made once for each kind of channel: looking a message up is two reads of a table.
import type { Direction } from '../relay/stage.js';
import { CHANNEL, channelName } from '../spice/constants.js';
import { bodySizes, type BodySize } from './body-sizes.js';
import { RULE } from './rules.js';

/** The largest body of a client's message on the inputs and cursor channels in any mode, in bytes. */
export const MAX_SMALL_BODY_BYTES = 4096;

/** Types that a table has a place for; a larger one is seen, and unknown. */
const TYPES = 512;

/** What is wrong with a message. */
export interface Fault {
  /** The rule's name, as the metric and the audit have it. */
  readonly rule: string;
  /** For the log: no bytes of the message. */
  readonly detail: string;
}

/** The header rules of one direction of a channel. */
export class Grammar {
  /** One byte for each type, 1 where every body up to the deployment's maximum is good. */
  readonly unseen = new Uint8Array(TYPES);
  private readonly sizes: (BodySize | undefined)[] = [];

  constructor(channelType: number, direction: Direction) {
    const name = channelName(channelType);
    if (name === null) return;
    for (const [type, size] of bodySizes(name, direction)) {
      this.sizes[type] = size;
      if (size.least === 0 && size.most === Infinity) this.unseen[type] = 1;
    }
  }

  /** The message types that may pass, ascending. */
  get types(): number[] {
    return this.sizes.flatMap((size, type) => (size === undefined ? [] : [type]));
  }

  /** Judges a header by its type and the size of its body in bytes; null: it is good. */
  fault(type: number, size: number): Fault | null {
    const good = this.sizes[type];
    if (good === undefined)
      return { rule: RULE.type, detail: `message type ${type} is not allowed on this channel` };
    const { least, most, entry } = good;
    if (size > most) return { rule: RULE.size, detail: `message size is ${size}, the limit is ${most}` };
    if (size < least)
      return { rule: RULE.bodySize, detail: `message type ${type} has ${size} bytes, it needs ${least}` };
    if (entry > 1 && (size - least) % entry !== 0)
      return { rule: RULE.bodySize, detail: `message type ${type} does not hold whole entries` };
    return null;
  }
}

const grammars = new Map<string, Grammar>();

/** The grammar of one direction of a channel. @param channelType an unknown one may carry nothing */
export function grammarOf(channelType: number, direction: Direction): Grammar {
  const key = `${direction}${channelType}`;
  const grammar = grammars.get(key) ?? new Grammar(channelType, direction);
  grammars.set(key, grammar);
  return grammar;
}

/**
 * The largest body that one direction of a channel may carry in any mode, in bytes: what is larger is absurd.
 *
 * @param most the largest one where the channel has no smaller limit
 */
export function maxBodyBytes(channelType: number, direction: Direction, most: number): number {
  const small = direction === 'up' && (channelType === CHANNEL.inputs || channelType === CHANNEL.cursor);
  return small ? Math.min(MAX_SMALL_BODY_BYTES, most) : most;
}
