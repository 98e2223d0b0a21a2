// SPDX-License-Identifier: Apache-2.0
// The query of listings: OpenStack's limit and marker.
import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, MaxLength, Min } from 'class-validator';
import type { PageRequest } from '../../objects/page.js';

/** Which page of a listing. */
export class PageQuery {
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  limit?: number;

  /** From the Link header of the page before. */
  @IsOptional()
  @IsString()
  @MaxLength(1024)
  marker?: string;
}

/** How many audit events. */
export class AuditQuery {
  @Type(() => Number)
  @IsInt()
  @Min(1)
  limit = 20;
}

/** A query as far as paging reads it. */
type Paging = Readonly<Pick<PageQuery, 'limit' | 'marker'>>;

/** The page that a query asks for, and at most `maxLimit` items of it. */
export function pageRequest(query: Paging, maxLimit: number): PageRequest {
  return { limit: Math.min(query.limit ?? maxLimit, maxLimit), marker: query.marker };
}

/**
 * The Link header (RFC 8288) of a page that has a next one.
 * @param path the path of the listing
 * @param next the marker of the next page
 */
export function nextLink(path: string, query: Paging, next: string): string {
  const parameters = new URLSearchParams();
  if (query.limit !== undefined) parameters.set('limit', String(query.limit));
  parameters.set('marker', next);
  return `<${path}?${parameters.toString()}>; rel="next"`;
}
