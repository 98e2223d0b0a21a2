// SPDX-License-Identifier: Apache-2.0
// Hears Nova's notifications in a conductor and takes them up. Every conductor hears: the broker gives each message to
// one of them.
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
import { ConsoleKeeper } from './console-keeper.js';
import { readEventType } from './event-type.js';
import { NotificationFault } from './fault.js';
import { NotificationMetrics } from './metrics.js';
import type { OwnNotifications } from './own/own-notifications.js';
import { parseNotification } from './parse.js';
import { ReviewQueue } from './review-queue.js';

/** What the hearing of notifications stands on. */
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
  /** Where the metrics of the hearing are shown. */
  readonly metrics: ProcessMetrics;
}

/** How the hearing of notifications stands, in words that anyone may read. */
export type NotificationState = 'off' | 'receiving' | 'none yet' | 'disconnected';

/** How the hearing stands, for the list of services: no secrets, no addresses. */
export interface NotificationReport {
  readonly state: NotificationState;
  readonly received: number;
  readonly dead_lettered: number;
  /** Epoch seconds; null before the first. */
  readonly last_message: number | null;
}

/** The running hearing: a part of every program that does background work. */
export interface Notifications {
  report(): { readonly notifications: NotificationReport };
  /** Takes no further message and asks no further question. */
  close(): Promise<void>;
}

/** A database that says nothing for so long is away. */
const ANSWER_MS = 5000;

const log = loggerFor('kerbside.notifications');

/** Begins to hear; never waits for the broker. */
export function startNotifications(services: NotificationServices): Notifications {
  const { node, db, messaging, drivers, own, consoles, facts, sessions, audit, metrics: shown } = services;
  const reviews = new ReviewQueue(drivers, messaging.fanout, log);
  const keeper = new ConsoleKeeper({
    ...{ consoles, reviews, log, node, fanout: messaging.fanout },
    ...{ facts, sessions, own, audit },
  });
  // The listener may hand over a message before its own function has returned.
  const status = (): ListenerStatus => listener.status();
  const metrics = new NotificationMetrics(status, () => messaging.status());
  const listener = messaging.listen({
    name: 'kerbside.notifications',
    onMessage: (message) => takeUp(message, keeper, metrics),
    isAway: () => isAway(db),
  });
  const hide = shown.add(metrics);
  return {
    report: () => ({ notifications: reportOf(listener.status()) }),
    close: async () => {
      await listener.close();
      await reviews.close();
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

async function takeUp(
  message: Notification,
  keeper: ConsoleKeeper,
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
      const outcome = await keeper.keep(event);
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
