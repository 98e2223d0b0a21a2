// SPDX-License-Identifier: Apache-2.0
// Audit events as a file: all pages that a search has, up to a number that a browser can hold.
import { csv } from '../csv.js';
import { readPage, type Filters } from './queries.js';
import type { Schemas } from './types.js';

/** What kind of file. */
export type Format = 'csv' | 'json';

/** Events in one file at most. */
export const MOST_EXPORTED = 20_000;
const PAGE = 1000;
const COLUMNS = [
  'id',
  'created_at',
  'message',
  'source',
  'instance_uuid',
  'project_id',
  'session_id',
  'channel',
  'issued_to',
  'client_ip',
  'requested_by',
  'request_user',
  'request_user_id',
  'request_ip',
  'request_id',
  'service',
  'node',
  'pid',
] as const satisfies readonly (keyof Schemas['V1AuditEvent'])[];

/** Downloads the events of a search, the newest first. @returns how many @throws ApiFault */
export async function exportEvents(filters: Filters, format: Format): Promise<number> {
  const events: Schemas['V1AuditEvent'][] = [];
  for (let marker: string | undefined, more = true; more && events.length < MOST_EXPORTED;) {
    const page = await readPage('audit-events', filters, { limit: PAGE, marker });
    events.push(...page.items);
    marker = page.next;
    more = marker !== undefined;
  }
  const text =
    format === 'json'
      ? `${JSON.stringify(events, undefined, 2)}\n`
      : csv(
          COLUMNS,
          events.map((event) => COLUMNS.map((column) => event[column])),
        );
  download(`kerbside-audit.${format}`, text, format === 'json' ? 'application/json' : 'text/csv');
  return events.length;
}

function download(name: string, text: string, type: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The browser has begun to read it by then.
  window.setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
