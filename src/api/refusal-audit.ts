// SPDX-License-Identifier: Apache-2.0
// Which refusals belong into the audit trail of a console: users who ask for a hypervisor's own password.
import type { AuditEvents } from '../objects/audit-event.js';
import { directRefused } from '../objects/audit-message.js';
import type { Consoles } from '../objects/console.js';
import type { RefusalListener } from './middleware/authorization.js';

/** Audits a refused direct .vv if the console exists. @param node the name of this node */
export function refusalAudit(consoles: Consoles, events: AuditEvents, node: string): RefusalListener {
  return async ({ route, params }, user) => {
    const { source, uuid } = params;
    if (route.handler !== 'consoleFile.direct' || source === undefined || uuid === undefined) return;
    if ((await consoles.find(source, uuid)) === null) return;
    await events.record({ source, uuid, node, pid: process.pid, message: directRefused(user) });
  };
}
