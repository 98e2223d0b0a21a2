// SPDX-License-Identifier: Apache-2.0
// The audit trail as a file, in pieces: CSV for spreadsheets, JSON for programs, with the members of /v1 in its newest version.
import { csvLine, type CsvCell } from '../../csv.js';
import type { ListedEvent } from '../../objects/inventory.js';
import { MINORS } from '../microversion.js';
import { viewAuditEvent } from './v1/audit-event.js';

/** How a file is written: what stands before, between and behind its events. */
export interface AuditFile {
  /** The end of its name. */
  readonly kind: 'csv' | 'json';
  readonly type: string;
  /** The text of the events of one page. @param first whether no event was written before */
  page(events: readonly ListedEvent[], first: boolean): string;
  readonly begin: string;
  readonly end: string;
}

const COLUMNS = [
  ...['id', 'created_at', 'message', 'source', 'instance_uuid', 'project_id', 'session_id', 'channel'],
  ...['issued_to', 'client_ip', 'requested_by', 'request_user', 'request_user_id', 'request_ip'],
  ...['request_id', 'service', 'node', 'pid'],
];

/** A line with the names of the columns, and one for each event. */
export const AUDIT_CSV: AuditFile = {
  ...{ kind: 'csv', type: 'text/csv; charset=utf-8; header=present', begin: csvLine(COLUMNS), end: '' },
  page: (events) =>
    events
      .map((event) => {
        const shown = viewAuditEvent(event, MINORS.max);
        return csvLine(COLUMNS.map((column) => shown[column] as CsvCell));
      })
      .join(''),
};

/** An array of the events, one on each line. */
export const AUDIT_JSON: AuditFile = {
  ...{ kind: 'json', type: 'application/json; charset=utf-8', begin: '[', end: '\n]\n' },
  page: (events, first) =>
    events
      .map(
        (event, at) =>
          `${first && at === 0 ? '' : ','}\n${JSON.stringify(viewAuditEvent(event, MINORS.max))}`,
      )
      .join(''),
};
