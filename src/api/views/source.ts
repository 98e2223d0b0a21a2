// SPDX-License-Identifier: Apache-2.0
// A source as JSON. What is not named here is not shown: the password above all.
import type { Source } from '../../objects/source.js';

/** A source as JSON; `error` says in one line why it is errored. */
export function viewSource(source: Source): Record<string, unknown> {
  return {
    name: source.name,
    type: source.type,
    last_seen: source.lastSeen,
    seen_by: source.seenBy,
    errored: source.errored,
    error: source.error,
    url: source.url,
    ca_cert: source.caCert,
    username: source.username,
    project_name: source.projectName,
    user_domain_id: source.userDomainId,
    project_domain_id: source.projectDomainId,
    deleted: source.deleted,
  };
}
