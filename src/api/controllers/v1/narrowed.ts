// SPDX-License-Identifier: Apache-2.0
// Reads a listing of /v1, narrowed to what is asked for and to what the asker may see.
import type { InventoryFilter, Order } from '../../../objects/inventory.js';
import type { Page } from '../../../objects/page.js';
import type { Scope } from '../../request-context.js';
import type { ConnectionQuery } from '../../schemas/v1.js';

/** The minor version that searches came with. */
export const SEARCHES = 3;

/** The page; an empty one when what is asked for is another project's. */
export async function narrowed<T>(
  query: ConnectionQuery,
  scope: Scope,
  read: (filter: InventoryFilter) => Promise<Page<T>>,
): Promise<Page<T>> {
  const asked = query.project_id;
  if (scope.projectId !== undefined && asked !== undefined && asked !== scope.projectId) {
    return { items: [], next: null };
  }
  return read({
    source: query.source,
    uuid: query.instance_uuid,
    sessionId: query.session_id,
    projectId: scope.projectId ?? asked,
    sight: scope.sight,
  });
}

/** The order that a query names, such as `name:desc`, or the one that a search has by itself. @param sort as its schema allows it */
export function orderOf<Key extends string>(sort: string | undefined, itself: Order<Key>): Order<Key> {
  if (sort === undefined) return itself;
  const [key = '', direction] = sort.split(':');
  return { key: key as Key, descending: direction === 'desc' };
}
