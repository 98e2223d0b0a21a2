// SPDX-License-Identifier: Apache-2.0
// Which refusals belong into the audit trail of a console: users who ask for a hypervisor's own password.
import type { OwnNotifications } from '../notifications/own/own-notifications.js';
import type { AuditEvents } from '../objects/audit-event.js';
import { directRefused } from '../objects/audit-message.js';
import type { Consoles } from '../objects/console.js';
import type { RefusalListener } from './guards/authorization.js';
import { routeOf } from './request-context.js';
import { requesterOf } from './requester.js';
import { clientAddress } from './client-view.js';

/** Where refusals are audited and published. */
interface RefusalParts {
  readonly consoles: Consoles;
  readonly events: AuditEvents;
  readonly own: OwnNotifications;
  /** The name of this node. */
  readonly node: string;
}

/** Audits and publishes a refused direct .vv if the console exists. */
export function refusalAudit({ consoles, events, own, node }: RefusalParts): RefusalListener {
  return async (request, user) => {
    const { source, uuid } = request.params;
    if (routeOf(request).handler !== 'consoleFile.direct') return;
    if (typeof source !== 'string' || typeof uuid !== 'string') return;
    if ((await consoles.identify(source, uuid)) === null) return;
    const clientIp = clientAddress(request);
    await events.record({
      ...{ source, uuid, node, pid: process.pid, message: directRefused(user) },
      ...{ issued_to: user, client_ip: clientIp, by: requesterOf(request) },
    });
    const refused = { reason: 'direct_forbidden', source, uuid, sessionId: null, issuedTo: user };
    own.refused({ ...refused, clientIp, node });
  };
}
