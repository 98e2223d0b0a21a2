// SPDX-License-Identifier: Apache-2.0
// Who asks, and under which id the request appears in logs and answers.

/** One request, as everything behind the HTTP surface sees it. */
export interface RequestContext {
  /** `req-<uuid>`, as in X-Openstack-Request-Id. */
  readonly requestId: string;
  /** The authenticated user; undefined for a stranger. */
  readonly user: string | undefined;
  /** Whether the user is an administrator of Kerbside. */
  readonly admin: boolean;
}
