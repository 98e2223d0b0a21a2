// SPDX-License-Identifier: Apache-2.0
// Publishes what happens to the sessions of this node as Kerbside's own notifications: those that begin and end here, and
// the consoles that a client was refused.
import type { OwnNotifications } from '../../notifications/own/own-notifications.js';
import type { SessionEnds } from '../../notifications/own/session-ends.js';
import type { LiveChannel } from './channel-registry.js';

/** Who was refused, as far as it is known. */
interface Refused {
  readonly source?: string | undefined;
  readonly uuid?: string | undefined;
  readonly sessionId?: string | undefined;
  readonly issuedTo?: string | undefined;
  readonly clientIp: string;
}

/** Publishes the notifications of this node's control plane; every call returns at once. */
export class NotificationPublisher {
  constructor(
    private readonly own: Pick<OwnNotifications, 'started' | 'refused'>,
    private readonly ends: Pick<SessionEnds, 'add'>,
    private readonly node: string,
  ) {}

  /** The session of this main channel is up. */
  sessionStarted({ sessionId, generation, source, uuid, owner, clientIp }: LiveChannel): void {
    const started = Date.now() / 1000;
    this.own.started({
      ...{ sessionId, generation, source, uuid, owner, clientIp, started },
      node: this.node,
    });
  }

  /** The main channel of this generation has ended, and the records say so. */
  sessionEnded(sessionId: string, generation: number): void {
    this.ends.add(sessionId, generation);
  }

  /** A client was refused a console. @param reason a word of the metric kerbside_proxy_refused_total */
  consoleRefused(reason: string, { source, uuid, sessionId, issuedTo, clientIp }: Refused): void {
    this.own.refused({
      ...{ reason, clientIp, node: this.node },
      source: source ?? null,
      uuid: uuid ?? null,
      sessionId: sessionId ?? null,
      issuedTo: issuedTo ?? null,
    });
  }
}
