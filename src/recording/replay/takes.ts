// SPDX-License-Identifier: Apache-2.0
// A session as it can be played: one take for each main channel that it had, with the channels that belong to it. A viewer that
// was away and came back, or a machine that moved, begins a new one.
import { CHANNEL } from '../../console/spice/constants.js';
import { SERVER_MESSAGE } from '../../console/spice/message-types.js';
import type { ReadOutcome, PrivateKey, RecordingSummary } from '../recording-reader.js';
import type { ChannelFacts } from '../records.js';
import { placedEntries } from '../session-parts.js';
import { PLAYED_CHANNELS } from './replay-messages.js';

/** A main channel and what belongs to it. */
export interface Take {
  readonly generation: number;
  readonly channels: readonly ChannelFacts[];
  /** The body of its MAIN_INIT; null: it came by a seamless migration, and had none. */
  readonly init: Buffer | null;
  /** Microseconds since the epoch. */
  readonly begin: number;
  readonly end: number;
}

interface Draft {
  readonly channels: ChannelFacts[];
  init: Buffer | null;
  readonly begin: number;
  end: number;
}

const { INIT } = SERVER_MESSAGE.main;

/** The takes of a session, in their order, and how the reading went. @throws InvalidInput when the key is another one */
export async function takesOf(
  parts: readonly RecordingSummary[],
  key: PrivateKey,
): Promise<{ readonly takes: readonly Take[]; readonly outcomes: readonly ReadOutcome[] }> {
  const outcomes = parts.map((): ReadOutcome => ({ complete: false, fault: null }));
  const takes = new Map<number, Draft>();
  const generations = new Map<string, number>();
  const mains = new Set<string>();
  for await (const { entry, part, at } of placedEntries(parts, key, outcomes)) {
    if (entry.kind === 'end') continue;
    const channel = `${part} ${entry.channel}`;
    if (entry.kind === 'channel') {
      const { generation, type, id } = entry.facts;
      generations.set(channel, generation);
      const take = takes.get(generation) ?? { channels: [], init: null, begin: at, end: at };
      takes.set(generation, take);
      if (type === CHANNEL.main) mains.add(channel);
      const known = take.channels.some((other) => other.type === type && other.id === id);
      if (PLAYED_CHANNELS.has(type) && !known) take.channels.push(entry.facts);
    }
    const take = takes.get(generations.get(channel) ?? -1);
    if (take === undefined) continue;
    take.end = at;
    if (entry.kind === 'message' && mains.has(channel) && entry.way === 'down' && entry.type === INIT)
      take.init ??= entry.body;
  }
  const sorted = [...takes]
    .sort(([one], [other]) => one - other)
    .map(([generation, take]) => ({ generation, ...take }))
    .filter(({ channels }) => channels.length > 0);
  return { takes: sorted, outcomes };
}
