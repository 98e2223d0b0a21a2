// SPDX-License-Identifier: Apache-2.0
// Consumes Nova's notifications in a conductor. Every conductor does: the broker delivers each message to one of them.
import { loggerFor } from '../log.js';
import type { Notification } from '../messaging/envelope.js';
import type { ListenerStatus, Messaging } from '../messaging/messaging.js';
import { doneWithin } from '../net/deadline.js';
import type { ProcessMetrics } from '../service/metrics.js';
import type { AuditEvents } from '../objects/audit-event.js';
import type { ConsoleSessions } from '../objects/console-session.js';
import type { Consoles } from '../objects/console.js';
import type { Database } from '../objects/database.js';
import type { InstanceFacts } from '../objects/instance-fact.js';
import type { SourceDrivers } from '../sources/source-drivers.js';
import { InstanceEventHandler } from './instance-event-handler.js';
import { readEventType } from './event-type.js';
import { NotificationFault } from './fault.js';
import { NotificationMetrics } from './metrics.js';
import type { OwnNotifications } from './own/own-notifications.js';
import { parseNotification } from './parse.js';
import { RefreshQueue } from './refresh-queue.js';

/** What {@link startConsumption} needs. */
export interface NotificationServices {
  /** The name of this node. */
  readonly node: string;
  readonly db: Pick<Database, 'ping'>;
  readonly messaging: Messaging;
  readonly drivers: SourceDrivers;
  readonly own: OwnNotifications;
  readonly consoles: Consoles;
  readonly facts: InstanceFacts;
  readonly sessions: ConsoleSessions;
  readonly audit: AuditEvents;
  /** Where the metrics of the consumption are exposed. */
  readonly metrics: ProcessMetrics;
}

/** The state of the consumption of notifications. */
export type NotificationState = 'off' | 'receiving' | 'none yet' | 'disconnected';

/** The state of the consumption, for the list of services: no secrets, no addresses. */
export interface NotificationReport {
  readonly state: NotificationState;
  readonly received: number;
  readonly dead_lettered: number;
  /** Epoch seconds; null before the first. */
  readonly last_message: number | null;
}

/** The running consumption: a part of every program that does background work. */
export interface NotificationConsumer {
  report(): { readonly notifications: NotificationReport };
  /** Accepts no further message and asks no source any more. */
  close(): Promise<void>;
}

/** A database that does not answer within this time is unavailable. */
const ANSWER_MS = 5000;

const log = loggerFor('kerbside.notifications');

/** Starts to consume; never waits for the broker. */
export function startConsumption(services: NotificationServices): NotificationConsumer {
  const { node, db, messaging, drivers, own, consoles, facts, sessions, audit, metrics: shown } = services;
  const refreshes = new RefreshQueue(drivers, messaging.fanout, log);
  const handler = new InstanceEventHandler({
    ...{ consoles, refreshes, log, node, fanout: messaging.fanout },
    ...{ facts, sessions, own, audit },
  });
  // The listener may hand over a message before its own function has returned.
  const status = (): ListenerStatus => listener.status();
  const metrics = new NotificationMetrics(status, () => messaging.status());
  const listener = messaging.listen({
    name: 'kerbside.notifications',
    onMessage: (message) => handle(message, handler, metrics),
    isAway: () => isAway(db),
  });
  const hide = shown.add(metrics);
  return {
    report: () => ({ notifications: reportOf(listener.status()) }),
    close: async () => {
      await listener.close();
      await refreshes.close();
      hide();
    },
  };
}

async function isAway(db: Pick<Database, 'ping'>): Promise<boolean> {
  try {
    return !(await doneWithin(db.ping(), ANSWER_MS));
  } catch {
    return true;
  }
}

async function handle(
  message: Notification,
  handler: InstanceEventHandler,
  metrics: NotificationMetrics,
): Promise<'done' | 'ignored'> {
  const type = readEventType(message.eventType);
  const format = type?.format ?? 'other';
  const count = (outcome: 'event' | 'ignored' | 'malformed'): void =>
    metrics.received.inc({ format, outcome });
  try {
    const event = parseNotification(message, type);
    count(event === null ? 'ignored' : 'event');
    if (event === null) return 'ignored';
    try {
      const outcome = await handler.handle(event);
      metrics.handled.inc({ event: event.event, outcome });
      log.debug('notification taken up', {
        ...{ message_id: message.messageId, event: event.event, phase: event.phase },
        ...{ uuid: event.uuid, outcome },
      });
      return outcome === 'applied' ? 'done' : 'ignored';
    } catch (error) {
      metrics.handled.inc({ event: event.event, outcome: 'failed' });
      throw error;
    }
  } catch (error) {
    if (error instanceof NotificationFault) count('malformed');
    throw error;
  }
}

function reportOf(status: ListenerStatus): NotificationReport {
  const { received, deadLettered, lastMessage } = status;
  return {
    state: stateOf(status),
    ...{ received, dead_lettered: deadLettered, last_message: lastMessage },
  };
}

function stateOf({ state, received }: ListenerStatus): NotificationState {
  if (state === 'off') return 'off';
  if (state === 'disconnected') return 'disconnected';
  return received > 0 ? 'receiving' : 'none yet';
}
