// SPDX-License-Identifier: Apache-2.0
// Sends Kerbside's own notifications. Every call returns at once: nothing waits for a broker, and what cannot be sent is
// the notifier's to drop.
import type { Conf } from '../../conf/index.js';
import type { Notifier } from '../../messaging/messaging.js';
import type { SessionUsage } from '../../objects/session-usage.js';
import {
  consoleRefusedPayload,
  sessionEndPayload,
  sessionPayload,
  sessionTerminatePayload,
  sourcePayload,
} from './payloads.js';
import type { RefusedConsole, SourceCondition, StartedSession, Termination } from './payloads.js';
import { RefusalRate } from './refusal-rate.js';

/** The notifications of one part of a process. */
export class OwnNotifications {
  private readonly rate = new RefusalRate();
  private readonly enabled: boolean;

  constructor(
    private readonly notifier: Notifier,
    { osloMessagingNotifications }: Pick<Conf, 'osloMessagingNotifications'>,
  ) {
    this.enabled = osloMessagingNotifications.driver.some((driver) => driver !== 'noop');
  }

  /** Whether any driver sends notifications: without one, what only they need is not read from the database. */
  get wanted(): boolean {
    return this.enabled;
  }

  /** The main channel of a session is up. */
  started(session: StartedSession): void {
    this.info('kerbside.session.start', () => sessionPayload(session));
  }

  /** The main channel of a session has ended. */
  ended(usage: SessionUsage): void {
    this.info('kerbside.session.end', () => sessionEndPayload(usage));
  }

  /** Sessions were terminated. */
  terminated(termination: Termination): void {
    for (const sessionId of termination.sessionIds)
      this.info('kerbside.session.terminate', () => sessionTerminatePayload(sessionId, termination));
  }

  /** A client was refused a console. Published as far as RefusalRate admits. */
  refused(refused: RefusedConsole): void {
    if (!this.enabled) return;
    const { reason, source, uuid, clientIp } = refused;
    const suppressed = this.rate.admit([reason, source, uuid, clientIp].join(' '));
    if (suppressed === null) return;
    this.info('kerbside.console.refused', () => consoleRefusedPayload(refused, suppressed));
  }

  /** A source fails in a new way, or works again. */
  sourceChanged(condition: SourceCondition): void {
    if (!this.enabled) return;
    const failed = condition.fault !== null;
    this.notifier.emit({
      eventType: failed ? 'kerbside.source.error' : 'kerbside.source.recovered',
      priority: failed ? 'error' : 'info',
      payload: sourcePayload(condition),
    });
  }

  private info(eventType: string, payload: () => Readonly<Record<string, unknown>>): void {
    if (this.enabled) this.notifier.emit({ eventType, priority: 'info', payload: payload() });
  }
}
