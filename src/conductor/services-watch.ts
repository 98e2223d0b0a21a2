// SPDX-License-Identifier: Apache-2.0
// Looks after the services: who has been silent for too long is down, and what a dead proxy left open is closed in the
// records. Whoever has been out of touch with the database itself judges nobody: after an outage all heartbeats are old.
import type { Logger } from '../log.js';
import { MAIN_CHANNEL } from '../objects/console-session-state.js';
import type { ConsoleChannels } from '../objects/console-channel.js';
import type { Services } from '../objects/service.js';

/** What the watch stands on. */
export interface WatchOptions {
  readonly services: Services;
  readonly channels: ConsoleChannels;
  /** `[DEFAULT] service_down_time`, seconds. */
  readonly downTime: number;
  /** For how many seconds this process has been in touch with the database without a break. */
  readonly steadyFor: () => number;
  /** The main channel of a session was lost with its node, and the records say so. */
  readonly mainLost?: (sessionId: string, generation: number) => void;
  readonly log: Logger;
}

/** Seconds between two looks: a service is found down that much before its time is over, never after it. */
export const WATCH_INTERVAL = 1;

/** One look at the services. Rejects when the database refuses. */
export async function watchServices(options: WatchOptions): Promise<void> {
  const { services, downTime, steadyFor, log } = options;
  if (steadyFor() < downTime) return;
  const slack = Math.min(WATCH_INTERVAL, downTime / 5);
  for (const { host, binary, age } of await services.findDown({ downTime, slack })) {
    log.warning('service is down: no heartbeat', { node: host, program: binary, seconds: Math.round(age) });
  }
  for (const node of await services.nodesToClose()) await closeNode(options, node);
}

async function closeNode({ channels, mainLost, log }: WatchOptions, node: string): Promise<void> {
  const lost = await channels.closeNode(node);
  if (lost.length === 0) return;
  for (const { sessionId, generation, channelType } of lost)
    if (channelType === MAIN_CHANNEL) mainLost?.(sessionId, generation);
  log.warning('connections of a node that is down are closed in the records', {
    node,
    sessions: new Set(lost.map(({ sessionId }) => sessionId)).size,
    connections: lost.length,
  });
}
