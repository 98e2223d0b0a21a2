// SPDX-License-Identifier: Apache-2.0
// What is in a recording, counted by channel and direction, and a line for each entry.
import { channelName } from '../console/spice/constants.js';
import { messageName } from '../console/spice/message-names.js';
import type { ChannelFacts, Way } from './records.js';
import type { PlacedEntry } from './session-parts.js';

/** One direction of one channel. */
export interface WayTotals {
  generation: number;
  type: number;
  id: number;
  way: Way;
  messages: number;
  /** Of the bodies as they were. */
  bytes: number;
  /** Messages whose bodies were left out. */
  left_out: number;
  gaps: number;
  /** Messages that the gaps have swallowed. */
  lost: number;
}

/** Counts. */
export class ChannelTotals {
  private readonly facts = new Map<string, ChannelFacts>();
  private readonly totals = new Map<string, WayTotals>();
  /** Why the recording has ended; null: it has no end. */
  reason: string | null = null;

  /** Counts an entry; gives its line, null when it has none. */
  add({ entry, part }: PlacedEntry): string | null {
    if (entry.kind === 'end') {
      this.reason = entry.reason;
      return `end: ${JSON.stringify(entry.reason)}`;
    }
    const key = `${part} ${entry.channel}`;
    if (entry.kind === 'channel') this.facts.set(key, entry.facts);
    const facts = this.facts.get(key);
    if (facts === undefined) return null;
    const name = `${channelName(facts.type) ?? facts.type}:${facts.id}`;
    switch (entry.kind) {
      case 'channel':
        return `${name} begins, generation ${facts.generation}`;
      case 'closed':
        return `${name} ends`;
      case 'gap': {
        const totals = this.of(key, facts, entry.way);
        totals.gaps += 1;
        totals.lost += entry.messages;
        return `${name} ${entry.way} gap of ${entry.messages} messages`;
      }
      case 'message': {
        const totals = this.of(key, facts, entry.way);
        totals.messages += 1;
        totals.bytes += entry.size;
        if (entry.body === null) totals.left_out += 1;
        const type = messageName(facts.type, entry.way, entry.type);
        return `${name} ${entry.way} ${type} ${entry.size}${entry.body === null ? ' left out' : ''}`;
      }
    }
  }

  /** The totals, in the order in which the channels began. */
  rows(): WayTotals[] {
    return [...this.totals.values()];
  }

  /** How many gaps there are, and how many messages they have swallowed. */
  missing(): { readonly gaps: number; readonly lost: number } {
    const sum = { gaps: 0, lost: 0 };
    for (const { gaps, lost } of this.totals.values()) {
      sum.gaps += gaps;
      sum.lost += lost;
    }
    return sum;
  }

  private of(key: string, { generation, type, id }: ChannelFacts, way: Way): WayTotals {
    const known = this.totals.get(`${key} ${way}`);
    if (known !== undefined) return known;
    const counted = { messages: 0, bytes: 0, left_out: 0, gaps: 0, lost: 0 };
    const fresh: WayTotals = { ...{ generation, type, id, way }, ...counted };
    this.totals.set(`${key} ${way}`, fresh);
    return fresh;
  }
}
