// SPDX-License-Identifier: Apache-2.0
// Changes of policy.yaml in the audit trail: each node of the REST service writes down which rules it has taken up anew.
import { loggerFor } from '../log.js';
import type { AuditEvents } from '../objects/audit-event.js';
import { policyChanged } from '../objects/audit-message.js';
import type { Policy } from '../policy.js';

const log = loggerFor('kerbside.api.audit');
/** Rules that are named; more are a number. */
const MOST_NAMED = 50;

/** Writes down changes of the policy from now on. @param node the name of this node */
export function auditPolicy(policy: Policy, events: Pick<AuditEvents, 'record'>, node: string): void {
  policy.onTakenUp((changed) => {
    const more = changed.length - MOST_NAMED;
    const named = more > 0 ? [...changed.slice(0, MOST_NAMED), `and ${more} more`] : changed;
    events
      .record({
        ...{ source: '', uuid: '', node, pid: process.pid, message: policyChanged(named) },
        by: { kind: 'service' },
      })
      .catch((error: unknown) =>
        log.error('a change of the policy is not in the audit trail', { error: error as Error }),
      );
  });
}
