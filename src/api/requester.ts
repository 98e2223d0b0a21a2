// SPDX-License-Identifier: Apache-2.0
// Who sent a request, for the audit trail and for notifications.
import type { IncomingMessage } from 'node:http';
import type { UserRequest } from '../objects/requester.js';
import { clientAddress } from './client-view.js';
import { contextOf } from './request-context.js';

/** The sender of a request, from where trusted proxies say that it comes. */
export function requesterOf(request: IncomingMessage): UserRequest {
  const { user = null, userId = null, projectId = null, requestId } = contextOf(request);
  return { kind: 'user', name: user, userId, projectId, requestId, address: clientAddress(request) };
}
