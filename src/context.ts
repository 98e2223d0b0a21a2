// SPDX-License-Identifier: Apache-2.0
// Who asks, and under which id the request appears in logs and answers.
import type { Secret } from './conf/secret.js';

/** One request, as everything behind the HTTP surface sees it. */
export interface RequestContext {
  /** `req-<uuid>`, as in X-Openstack-Request-Id. */
  readonly requestId: string;
  /** The name of the authenticated user; undefined for a stranger. */
  readonly user: string | undefined;
  /** Whether the user is an administrator of Kerbside. */
  readonly admin: boolean;
  /** How the user was authenticated: not at all, with a token of ours, or with a token of Keystone. */
  readonly via: 'none' | 'jwt' | 'keystone';
  /** The roles of the token, in lower case; of Keystone, or `operator` and `admin` for a token of ours. */
  readonly roles: readonly string[];
  /** The groups that a token of ours carries, or that a token of Keystone names. */
  readonly groups?: readonly string[];
  /** What lists of access call the user: the name, and the domain behind an @ where it is not `default`. */
  readonly listedAs?: string;
  /** Keystone's id of the user. */
  readonly userId?: string;
  /** The project that the token is scoped to; absent for our own tokens, and for domain and system scope. */
  readonly projectId?: string;
  /** The token is scoped to the whole deployment. */
  readonly systemScope?: boolean;
  /** The user's Keystone token, for calls that Nova must see as the user's own; never kept beyond the request. */
  readonly token?: Secret;
}

/** The context of a request of which nothing is known yet. */
export function strangerContext(requestId: string): RequestContext {
  return { requestId, user: undefined, admin: false, via: 'none', roles: [] };
}
