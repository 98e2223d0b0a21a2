// SPDX-License-Identifier: Apache-2.0
// Watches the services: one that has been silent for too long is down, and what a dead proxy left open is closed in the
// records. A process that was itself disconnected from the database decides nothing: after an outage all heartbeats are old.
import type { Logger } from '../log.js';
import { MAIN_CHANNEL } from '../objects/console-session-state.js';
import type { ConsoleChannels } from '../objects/console-channel.js';
import type { ClockReading } from '../objects/clock.js';
import type { ServiceName, Services } from '../objects/service.js';

/** What the watch needs. */
export interface WatchOptions {
  readonly services: Services;
  readonly channels: ConsoleChannels;
  /** `[DEFAULT] service_down_time`, seconds. */
  readonly downTime: number;
  /** For how many seconds the database has answered this process without a break. */
  readonly connectedFor: () => number;
  /** Takes note of what the database said of its clock, after which {@link connectedFor} begins anew when it has jumped. */
  readonly observe: (reading: ClockReading) => void;
  /** The program that watches. */
  readonly self: ServiceName;
  /** The main channel of a session was lost with its node, and the records say so. */
  readonly mainLost?: (sessionId: string, generation: number) => void;
  readonly log: Logger;
}

/** Seconds between two checks: a service is found down that much before its time is over, never after it. */
export const WATCH_INTERVAL = 1;

/** Checks the services once. Rejects when the database refuses. */
export async function watchServices(options: WatchOptions): Promise<void> {
  const { services, downTime, self, observe, connectedFor, log } = options;
  if (connectedFor() < downTime) return;
  const slack = Math.min(WATCH_INTERVAL, downTime / 5);
  // By a clock that has jumped since it was last looked at, all heartbeats are old.
  const isSteady = (reading: ClockReading): boolean => {
    observe(reading);
    return connectedFor() >= downTime;
  };
  for (const { host, binary, age } of await services.findDown({ downTime, slack, self, isSteady })) {
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
