// SPDX-License-Identifier: Apache-2.0
// Links of /v1: absolute, as seen by the client that asked.
import type { Request } from 'express';
import type { Page } from '../../../objects/page.js';
import { baseUrl } from '../../client-view.js';

/** A link as OpenStack's clients read it. */
export interface Link {
  readonly rel: string;
  readonly href: string;
}

/** Where a thing is. */
export function selfLink(href: string): Link {
  return { rel: 'self', href };
}

/**
 * A page of a collection, with the link to the next one when there is one.
 * @param name of the collection, such as `consoles`
 */
export function viewPage<T>(
  request: Request,
  name: string,
  page: Page<T>,
  view: (item: T) => Record<string, unknown>,
): Record<string, unknown> {
  const body = { [name]: page.items.map(view) };
  if (page.next === null) return body;
  const query = new URLSearchParams(request.originalUrl.split('?')[1] ?? '');
  query.set('marker', page.next);
  const href = `${baseUrl(request)}${request.path}?${query.toString()}`;
  return { ...body, [`${name}_links`]: [{ rel: 'next', href }] };
}
