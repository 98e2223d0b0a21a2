// SPDX-License-Identifier: Apache-2.0
// The body of a refusal under /v1 (API-SIG, "Errors"): a list, so that Keystone's libraries find the text in it.
import { STATUS_CODES } from 'node:http';
import { VersionNotAcceptable, type HttpFault } from './faults.js';
import { MINORS, versionText } from './microversion.js';

/** `{"errors": [...]}` for one fault. @param requestId `req-<uuid>` */
export function errorsBody(fault: HttpFault, requestId: string): Record<string, unknown> {
  const versions =
    fault instanceof VersionNotAcceptable
      ? { min_version: versionText(MINORS.min), max_version: versionText(MINORS.max) }
      : {};
  const title = STATUS_CODES[fault.status] ?? 'Error';
  const error = {
    request_id: requestId,
    code: `kerbside.${title.toLowerCase().replace(/[^a-z]+/g, '_')}`,
    status: fault.status,
    title,
    detail: fault.message,
    links: [],
    ...versions,
  };
  return { errors: [error] };
}
