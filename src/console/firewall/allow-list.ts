// SPDX-License-Identifier: Apache-2.0
// Which message types a channel may carry in each direction, and how large its bodies may be.
// Types: spice/enums.h; a spice-server ends a channel on any client message that is not in its table, so the
// client side of these lists refuses nothing that would have worked.
import { CHANNEL, channelName } from '../spice/constants.js';
import { CLIENT_MESSAGE, SERVER_MESSAGE } from '../spice/message-types.js';
import type { Direction } from '../relay/stage.js';

/** The largest body of a client's message on the inputs and cursor channels, in bytes. */
export const MAX_SMALL_BODY_BYTES = 4096;

const TABLE_SIZE = 512;
const tables = new Map<string, Uint8Array | null>();

/**
 * The message types that one direction of a channel may carry, as one byte for each; null: all.
 *
 * @param channelType SPICE channel type; one without a list (tunnel) is not restricted by type
 */
export function allowedTypes(channelType: number, direction: Direction): Uint8Array | null {
  const key = `${direction}${channelType}`;
  const known = tables.get(key);
  if (known !== undefined) return known;
  const table = makeTable(channelType, direction);
  tables.set(key, table);
  return table;
}

/**
 * The largest body that one direction of a channel may carry, in bytes.
 *
 * @param most the largest one where the channel has no smaller limit
 */
export function maxBodyBytes(channelType: number, direction: Direction, most: number): number {
  const small = direction === 'up' && (channelType === CHANNEL.inputs || channelType === CHANNEL.cursor);
  return small ? Math.min(MAX_SMALL_BODY_BYTES, most) : most;
}

function makeTable(channelType: number, direction: Direction): Uint8Array | null {
  const name = channelName(channelType);
  if (name === null || name === 'tunnel') return null;
  const messages = direction === 'up' ? CLIENT_MESSAGE : SERVER_MESSAGE;
  const table = new Uint8Array(TABLE_SIZE);
  for (const type of Object.values({ ...messages.common })) table[type] = 1;
  for (const type of Object.values<number>(messages[name])) table[type] = 1;
  return table;
}
