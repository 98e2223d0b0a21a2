// SPDX-License-Identifier: Apache-2.0
// Which representation a client wants: the original's rule, which is older than its clients' manners.

/**
 * True when the answer is for a browser: Accept names text/html or is absent. So a script without an Accept
 * header counts as a browser, and curl (any type) as an API client.
 */
export function wantsHtml(accept: string | undefined): boolean {
  return accept === undefined || accept.includes('text/html');
}

/** True when Accept names text/html: it is a browser that shows pages. */
export function namesHtml(accept: string | undefined): boolean {
  return accept?.includes('text/html') === true;
}
