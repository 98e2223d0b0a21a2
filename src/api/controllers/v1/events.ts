// SPDX-License-Identifier: Apache-2.0
// Reads audit events as a query asks for them, within what the asker may see: for the listing of /v1 and for files.
import type { Inventory, ListedEvent } from '../../../objects/inventory.js';
import type { Page, PageRequest } from '../../../objects/page.js';
import type { Scope } from '../../request-context.js';
import type { EventQuery } from '../../schemas/v1.js';
import { narrowed, SEARCHES } from './narrowed.js';

/**
 * One page, newest first. Those of a session or of a user can be asked for since 1.2, those of a time since 1.3.
 * @throws InvalidInput for a marker that is none, or is gone
 */
export function readEvents(
  inventory: Inventory,
  query: EventQuery,
  scope: Scope,
  { page, minor }: { readonly page: PageRequest; readonly minor: number },
): Promise<Page<ListedEvent>> {
  const which = minor < 2 ? { sessionId: undefined } : { user: query.user };
  const { since, until, requested_by: requestedBy } = query;
  const searches = minor >= SEARCHES && (since ?? until ?? requestedBy) !== undefined;
  return narrowed(query, scope, (filter) => {
    const narrow = { ...filter, ...which };
    if (!searches) return inventory.events(page, narrow);
    const times = { since: secondsOf(since), until: secondsOf(until) };
    return inventory.findEvents(page, { ...narrow, ...times, requestedBy });
  });
}

/** @param time in ISO 8601, as its schema has seen to it */
function secondsOf(time: string | undefined): number | undefined {
  return time === undefined ? undefined : Date.parse(time) / 1000;
}
