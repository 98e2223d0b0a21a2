// SPDX-License-Identifier: Apache-2.0
// The door to the message broker, one for each process. Everything behind it may be away: what goes through here makes
// things immediate, never necessary.
import type { Conf } from '../conf/index.js';
import { loggerFor } from '../log.js';
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
    status: () => ({ state: 'off', fault: null }),
    close: () => Promise.resolve(),
  };
}
