// SPDX-License-Identifier: Apache-2.0
// Clients that were refused: each is published and has its place in the audit trail. Of strangers, whom anybody can send in
// any number, only so many are written down.
import { RefusalRate } from '../../notifications/own/refusal-rate.js';
import type { Timers } from '../../net/timers.js';
import type { ChannelDenial } from '../../objects/channel-types.js';
import type { AuthorizeRequest } from '../ipc.js';
import { channelName } from '../spice/constants.js';
import type { AuditQueue } from './audit-queue.js';
import { denialMessage, strangerMessage } from './denials.js';
import type { NotificationPublisher } from './notification-publisher.js';

/** What {@link Refusals} are told with. */
export interface RefusalDependencies {
  readonly audit: Pick<AuditQueue, 'add'>;
  readonly publisher: NotificationPublisher;
  /** Name of this node. */
  readonly node: string;
  readonly timers: Timers;
}

/** Tells of refused clients. */
export class Refusals {
  private readonly rate: RefusalRate;

  constructor(private readonly parts: RefusalDependencies) {
    this.rate = new RefusalRate(() => parts.timers.now() / 1000);
  }

  /** The ticket of a client opens nothing, or nothing more. */
  denied(request: AuthorizeRequest, { reason, source, uuid, sessionId, issuedTo }: ChannelDenial): void {
    const { clientIp } = request;
    if (source === undefined || uuid === undefined) {
      this.stranger(reason, clientIp);
      return;
    }
    const { audit, publisher, node } = this.parts;
    audit.add({
      ...{ source, uuid, session_id: sessionId, channel: channelName(request.channelType) },
      ...{ node, message: denialMessage(reason) },
      issued_to: issuedTo,
      client_ip: clientIp,
    });
    publisher.consoleRefused(reason, { source, uuid, sessionId, issuedTo, clientIp });
  }

  /** A client of which no more is known than its address. @param reason a word of kerbside_proxy_refused_total */
  stranger(reason: string, clientIp: string): void {
    const { audit, publisher, node } = this.parts;
    publisher.consoleRefused(reason, { clientIp });
    const before = this.rate.admit(`${reason} ${clientIp}`);
    if (before === null) return;
    const message = strangerMessage(reason, before);
    audit.add({ source: '', uuid: '', node, pid: process.pid, message, client_ip: clientIp });
  }
}
