// SPDX-License-Identifier: Apache-2.0
// The sink `cadf`: a notification over oslo.messaging for each audit event, confirmed by the broker.
import type { ConfirmedSender } from '../messaging/confirmed-sender.js';
import type { SealedEvent } from '../objects/audit-digest.js';
import { cadfEvent, eventUuid } from './cadf.js';
import type { AuditSink } from './sink.js';

/** The event type of the notifications. */
const EVENT_TYPE = 'audit.kerbside';

/** Sends audit events to a broker. */
export class CadfSink implements AuditSink {
  readonly name = 'cadf';

  /** @param node the name of this node */
  constructor(
    private readonly sender: Pick<ConfirmedSender, 'send' | 'close'>,
    private readonly node: string,
  ) {}

  /** @throws BrokerFault */
  deliver(events: readonly SealedEvent[], signal: AbortSignal): Promise<void> {
    const notifications = events.map((event) => {
      const messageId = eventUuid(event);
      return {
        ...{ messageId, uniqueId: messageId.replaceAll('-', ''), eventType: EVENT_TYPE, priority: 'info' },
        ...{ timestamp: Date.now() / 1000, payload: cadfEvent(event, this.node) },
      };
    });
    return this.sender.send(notifications, signal);
  }

  close(): Promise<void> {
    return this.sender.close();
  }
}
