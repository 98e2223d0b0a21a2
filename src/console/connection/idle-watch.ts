// SPDX-License-Identifier: Apache-2.0
// Checks all connections of a worker once a second: legs that take no bytes, channels that are idle, counters for the
// metrics. One timer for all of them, so that the relay of a chunk pays nothing for it.
import type { ClientConnection } from './client-connection.js';
import { channelName } from '../spice/constants.js';
import type { WorkerContext } from './worker-context.js';

/** Seconds between two checks. */
export const WATCH_INTERVAL = 1;

/** Starts the checks; gives the function that stops them. */
export function startIdleWatch(worker: WorkerContext): () => void {
  const timer = setInterval(() => {
    for (const connection of worker.registry.connections) {
      if (connection.traffic !== null) inspect(connection, worker);
    }
    const { trafficCounter, pacers, policyDrops } = worker;
    const reports = [trafficCounter.report(policyDrops.take()), pacers.report()];
    for (const report of reports) if (report !== null) worker.control.note(report);
  }, WATCH_INTERVAL * 1000);
  return () => clearInterval(timer);
}

function inspect(connection: ClientConnection, worker: WorkerContext): void {
  const { trafficCounter } = worker;
  const { writeTimeout, idleTimeout: byChannel } = worker.settings.proxy;
  const { countedUp, countedDown } = connection;
  const moved = trafficCounter.count(connection) > 0;
  const blocked = connection.traffic?.blockedLeg() ?? null;
  // Bytes of the other direction do not count: a client may send on and never read.
  const taken =
    blocked === 'client' ? connection.countedDown > countedDown : connection.countedUp > countedUp;
  connection.blockedFor = blocked === null || taken ? 0 : connection.blockedFor + WATCH_INTERVAL;
  connection.idleFor = moved ? 0 : connection.idleFor + WATCH_INTERVAL;
  if (blocked !== null && connection.blockedFor >= writeTimeout) {
    connection.end(`${blocked} stopped reading`, `nothing was taken for ${writeTimeout} s`);
    return;
  }
  const channel = channelName(connection.channelType);
  const idleTimeout = channel === null ? undefined : byChannel[channel];
  if (idleTimeout !== undefined && idleTimeout > 0 && connection.idleFor >= idleTimeout) {
    connection.end('idle', `no byte for ${idleTimeout} s`);
  }
}
