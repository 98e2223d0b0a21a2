// SPDX-License-Identifier: Apache-2.0
// What an operator did at the command line, for the audit trail: under no source and no console, by the login there.
import type { Conf } from '../../conf/index.js';
import type { AuditEvents } from '../../objects/audit-event.js';
import { operatorName } from './operator.js';

/** Writes down what was done. @throws DatabaseError when the database went away meanwhile; the act stays done */
export async function recordAct(
  events: Pick<AuditEvents, 'record'>,
  conf: Pick<Conf, 'default'>,
  message: string,
): Promise<void> {
  // A command is over before anybody reads of it: its process says nothing.
  await events.record({
    ...{ source: '', uuid: '', node: conf.default.nodeName, pid: null, message },
    by: { kind: 'operator', name: operatorName(process.env) },
  });
}
