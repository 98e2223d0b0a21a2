// SPDX-License-Identifier: Apache-2.0
// The drivers of [oslo_messaging_notifications]: to the broker, to the log, nowhere, or to several of them.
import type { Conf } from '../conf/index.js';
import { loggerFor } from '../log.js';
import { encodeNotification } from './envelope.js';
import type { EnvelopeVersion, Notification } from './envelope.js';
import { BrokerNotifier, completeNotification } from './notifier.js';
import type { Notifier, OwnNotification } from './notifier.js';
import type { BrokerTarget } from './transport-url.js';

type Driver = Conf['osloMessagingNotifications']['driver'][number];

const log = loggerFor('kerbside.messaging.notifier');

/** The envelope versions that the drivers send to the broker; none when they send nothing there. */
export function envelopeVersions(drivers: readonly Driver[]): EnvelopeVersion[] {
  const versions = drivers.flatMap((driver): EnvelopeVersion[] => {
    switch (driver) {
      case 'messagingv2':
        return [2];
      case 'messaging':
        return [1];
      case 'log':
      case 'noop':
        return [];
    }
  });
  return [...new Set(versions)];
}

/** A line of the log for a notification, under the logger's name that oslo.messaging has for it. */
function logNotification(notification: Notification): void {
  const logger = loggerFor(`oslo.messaging.notification.${notification.eventType}`);
  const text = encodeNotification(notification, 1).toString('utf8');
  if (notification.priority === 'error') logger.error(text);
  else logger.info(text);
}

/** Hands each notification to every driver. */
export class DriverNotifier implements Notifier {
  /** Null when no driver needs a broker, or there is none. */
  readonly broker: BrokerNotifier | null;
  private readonly logs: boolean;

  /**
   * @param conf the configuration
   * @param target the broker of notifications; undefined when there is none
   * @param publisherId `kerbside-proxy:host`
   */
  constructor(
    conf: Conf,
    target: BrokerTarget | undefined,
    private readonly publisherId: string,
  ) {
    const { driver, topics, retry } = conf.osloMessagingNotifications;
    const { controlExchange } = conf.default;
    const versions = envelopeVersions(driver);
    this.logs = driver.includes('log');
    if (versions.length > 0 && target === undefined)
      log.warning('notifications are wanted, but no broker is configured: none is sent');
    this.broker =
      versions.length === 0 || target === undefined
        ? null
        : new BrokerNotifier({ target, controlExchange, topics, versions, retry, publisherId });
  }

  emit(own: OwnNotification): void {
    if (this.broker === null && !this.logs) return;
    try {
      const notification = completeNotification(own, this.publisherId);
      if (this.logs) logNotification(notification);
      this.broker?.send(notification);
    } catch (error) {
      log.error('a notification has no form that can be sent', {
        event_type: own.eventType,
        error: error as Error,
      });
    }
  }
}
