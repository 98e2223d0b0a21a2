// SPDX-License-Identifier: Apache-2.0
// The door to the message broker, one for each process. Everything behind it may be away: what goes through here makes
// things immediate, never necessary.
import type { Conf } from '../conf/index.js';
import { loggerFor } from '../log.js';
import type { Notification } from './envelope.js';
import { LocalFanout } from './fanout.js';
import type { Fanout } from './fanout.js';

const log = loggerFor('kerbside.messaging');

/** A notification of Kerbside's own. */
export interface OwnNotification {
  /** `kerbside.session.start` and the like. */
  readonly eventType: string;
  readonly priority: 'info' | 'error';
  /** A versioned object; no secrets. */
  readonly payload: Readonly<Record<string, unknown>>;
}

/** Sends Kerbside's notifications. */
export interface Notifier {
  /** Takes a notification and returns at once; what cannot be sent in time is dropped and counted. Never throws. */
  emit(notification: OwnNotification): void;
}

/** How the hearing of notifications stands. */
export interface ListenerStatus {
  /** `off`: there is nothing to listen to, or it is not wanted. */
  readonly state: 'off' | 'connected' | 'disconnected';
  /** Why nothing is heard, without secrets; null when all is well. */
  readonly fault: string | null;
  /** Messages since the start, those that were refused included. */
  readonly received: number;
  /** Messages that went to the dead-letter queue. */
  readonly deadLettered: number;
  /** When the last message came, in epoch seconds; null before the first. */
  readonly lastMessage: number | null;
}

/** Hears notifications until it is closed. */
export interface NotificationListener {
  status(): ListenerStatus;
  /** Takes no further message; what a handler has in hand is finished, for a moment at most. */
  close(): Promise<void>;
}

/** What is done with notifications. */
export interface NotificationHandler {
  /** Names the listener in the log. */
  readonly name: string;
  /**
   * Acts on a message. Once it resolves, the message is gone. When it rejects, the message comes once more, here or at
   * another process, and then goes to the dead-letter queue with the reason.
   */
  onMessage(message: Notification): Promise<'done' | 'ignored'>;
}

/** How the broker is. `off`: none is configured. */
export interface BrokerStatus {
  readonly state: 'off' | 'connected' | 'disconnected';
  /** Why it is disconnected, without secrets; null otherwise. */
  readonly fault: string | null;
}

/** The messaging of one process. */
export interface Messaging {
  readonly fanout: Fanout;
  readonly notifier: Notifier;
  /** Hears the notifications that [notifications] names, each at one of all processes that listen. */
  listen(handler: NotificationHandler): NotificationListener;
  status(): BrokerStatus;
  /** Sends what waits, for a moment at most, and disconnects. */
  close(): Promise<void>;
}

/**
 * Opens the messaging of a process; never waits for a broker.
 *
 * @param conf the configuration
 * @param binary the program's name, such as `kerbside-proxy`
 */
export function openMessaging(conf: Conf, binary: string): Messaging {
  log.debug('no broker is configured', { node: conf.default.nodeName, binary });
  return {
    fanout: new LocalFanout(),
    notifier: { emit: () => undefined },
    listen: () => ({
      status: () => ({ state: 'off', fault: null, received: 0, deadLettered: 0, lastMessage: null }),
      close: () => Promise.resolve(),
    }),
    status: () => ({ state: 'off', fault: null }),
    close: () => Promise.resolve(),
  };
}
