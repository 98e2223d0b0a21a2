// SPDX-License-Identifier: Apache-2.0
// Which refusals of the REST service belong into the audit trail: users who ask for what the policy does not let them do. A
// hypervisor's own password has its own sentence at its console; the others are written down as far as RefusalRate admits, so
// that somebody who asks again and again does not fill the trail.
import type { Request } from 'express';
import { loggerFor } from '../log.js';
import { RefusalRate } from '../notifications/own/refusal-rate.js';
import type { OwnNotifications } from '../notifications/own/own-notifications.js';
import type { AuditEvents } from '../objects/audit-event.js';
import { directRefused, requestRefused } from '../objects/audit-message.js';
import type { Consoles } from '../objects/console.js';
import type { RefusalListener } from './guards/authorization.js';
import { routeOf } from './request-context.js';
import { requesterOf } from './requester.js';
import { clientAddress } from './client-view.js';

const log = loggerFor('kerbside.api.audit');

/** Where refusals are audited and published. */
interface RefusalParts {
  readonly consoles: Pick<Consoles, 'identify'>;
  readonly events: Pick<AuditEvents, 'record'>;
  readonly own: Pick<OwnNotifications, 'refused'>;
  /** The name of this node. */
  readonly node: string;
}

/** Audits refusals; publishes a refused direct .vv if the console exists. What it gives never rejects. */
export function refusalAudit(parts: RefusalParts): RefusalListener {
  const rate = new RefusalRate();
  return async (request, user) => {
    const { handler } = routeOf(request);
    const direct = handler === 'consoleFile.direct';
    try {
      await (direct ? auditDirect(parts, request, user) : auditOther(parts, request, user, rate));
    } catch (error) {
      // The answer is the same while the database is away.
      log.error('a refusal is not in the audit trail', { user, handler, error: error as Error });
    }
  };
}

async function auditDirect(
  { consoles, events, own, node }: RefusalParts,
  request: Request,
  user: string,
): Promise<void> {
  const { source, uuid } = request.params;
  if (typeof source !== 'string' || typeof uuid !== 'string') return;
  if ((await consoles.identify(source, uuid)) === null) return;
  const clientIp = clientAddress(request);
  await events.record({
    ...{ source, uuid, node, pid: process.pid, message: directRefused(user) },
    ...{ issued_to: user, client_ip: clientIp, by: requesterOf(request) },
  });
  const refused = { reason: 'direct_forbidden', source, uuid, sessionId: null, issuedTo: user };
  own.refused({ ...refused, clientIp, node });
}

async function auditOther(
  { consoles, events, node }: RefusalParts,
  request: Request,
  user: string,
  rate: RefusalRate,
): Promise<void> {
  const { method, path, rule } = routeOf(request);
  const { source, uuid } = request.params;
  const clientIp = clientAddress(request);
  const before = rate.admit([method, path, String(source), String(uuid), user, clientIp].join(' '));
  if (before === null) return;
  const named = typeof source === 'string' && typeof uuid === 'string';
  const place =
    named && (await consoles.identify(source, uuid)) !== null ? { source, uuid } : { source: '', uuid: '' };
  await events.record({
    ...{
      ...place,
      node,
      pid: process.pid,
      message: requestRefused(method, path, rule ?? 'its access', before),
    },
    ...{ client_ip: clientIp, by: requesterOf(request) },
  });
}
