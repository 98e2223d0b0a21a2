// SPDX-License-Identifier: Apache-2.0
// Audit events as a file: the service makes it while the browser writes it to its disk.
import { urlOf } from './client.js';
import { queryOf, readPage, type Filters } from './queries.js';

/** What kind of file. */
export type Format = 'csv' | 'json';

/** Begins the download of the events of a search. @throws ApiFault where the service would refuse it */
export async function exportEvents(filters: Filters, format: Format): Promise<void> {
  // A download that is refused is a file that fails, without a word: whether the search is allowed and in order is asked before.
  await readPage('audit-events', filters, { limit: 1 });
  const link = document.createElement('a');
  link.href = urlOf(`ui/audit.${format}?${queryOf(filters).toString()}`);
  link.download = `kerbside-audit.${format}`;
  link.click();
}
