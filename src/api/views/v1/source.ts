// SPDX-License-Identifier: Apache-2.0
// A source in /v1. What is not named here is not shown: the password above all.
import type { Source } from '../../../objects/source.js';
import { selfLink } from './links.js';
import { isoTime } from './time.js';

/** A source; `error` says in one line why it is errored. @param base of the API */
export function viewSource(source: Source, base: string): Record<string, unknown> {
  return {
    id: source.name,
    name: source.name,
    type: source.type,
    url: source.url,
    username: source.username,
    project_name: source.projectName,
    user_domain_id: source.userDomainId,
    project_domain_id: source.projectDomainId,
    ca_cert: source.caCert,
    errored: source.errored,
    error: source.error,
    last_seen_at: isoTime(source.lastSeen),
    seen_by: source.seenBy,
    deleted: source.deleted,
    links: [selfLink(`${base}/v1/sources/${encodeURIComponent(source.name)}`)],
  };
}
