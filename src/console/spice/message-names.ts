// SPDX-License-Identifier: Apache-2.0
// The names of message types, by channel and direction, for people.
import { channelName } from './constants.js';
import { CLIENT_MESSAGE, SERVER_MESSAGE } from './message-types.js';

type Table = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** The name of a type, as spice.proto has it in capitals; the number where it has none. @param way up: client to server */
export function messageName(channelType: number, way: 'up' | 'down', type: number): string {
  const table: Table = way === 'up' ? CLIENT_MESSAGE : SERVER_MESSAGE;
  const channel = table[channelName(channelType) ?? ''] ?? {};
  const all = Object.entries({ ...channel, ...table['common'] });
  return all.find(([, number]) => number === type)?.[0] ?? `${type}`;
}
