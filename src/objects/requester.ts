// SPDX-License-Identifier: Apache-2.0
// Who asked for what happened: for the audit trail, and for the notifications of Kerbside.

/** A request of a user, over HTTP. */
export interface UserRequest {
  readonly kind: 'user';
  /** null: a stranger, whom a token of another service has let in. */
  readonly name: string | null;
  /** Keystone's id of the user. */
  readonly userId: string | null;
  /** The project that the user asked in. */
  readonly projectId: string | null;
  /** The id under which the log and the answer have the request. */
  readonly requestId: string | null;
  /** Where it came from; behind trusted proxies what they say. */
  readonly address: string | null;
}

/**
 * A user of the REST API; an operator on the command line of a node, by the login there; an event of the instance in Nova;
 * or a program of Kerbside by itself.
 */
export type Requester =
  | UserRequest
  | { readonly kind: 'operator'; readonly name: string | null }
  | { readonly kind: 'notification' }
  | { readonly kind: 'service' };

/** A request of somebody of whom only the address is known, and maybe the id of the request. */
export function strangerAt(address: string, requestId: string | null = null): UserRequest {
  return { kind: 'user', name: null, userId: null, projectId: null, requestId, address };
}
