// SPDX-License-Identifier: Apache-2.0
// How a rate of [firewall] rates is written: in the options, and in sources.yaml.
import { CHANNEL_NAMES } from './channel-names.js';

/** A rate, and how to write one. */
export const RATE_PATTERN = {
  accepts: new RegExp(
    `^(${CHANNEL_NAMES.join('|')})\\.(client_to_server|server_to_client)\\.(messages|bytes)=([1-9]\\d{0,11})(?::([1-9]\\d{0,11}))?$`,
  ),
  expected: 'rates such as inputs.client_to_server.messages=500 or inputs.client_to_server.messages=500:2000',
} as const;

/** A limit of one direction of a channel. */
export interface Rate {
  readonly channel: string;
  readonly direction: 'client_to_server' | 'server_to_client';
  readonly unit: 'messages' | 'bytes';
  /** So many a second, in the long run. */
  readonly perSecond: number;
  /** So many at once. */
  readonly burst: number;
}

/** What a rate says; null: it is none. */
export function parseRate(text: string): Rate | null {
  const [, channel, direction, unit, perSecond, burst = perSecond] = RATE_PATTERN.accepts.exec(text) ?? [];
  if (channel === undefined) return null;
  return {
    channel,
    direction: direction === 'client_to_server' ? direction : 'server_to_client',
    unit: unit === 'bytes' ? unit : 'messages',
    perSecond: Number(perSecond),
    burst: Number(burst),
  };
}
