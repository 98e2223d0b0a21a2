// SPDX-License-Identifier: Apache-2.0
// Where a request comes from, as logs, limits and the audit trail name it.
import type { Request } from 'express';
import { plainAddress } from '../net/address.js';

/** The client's address; behind a trusted proxy the one that it forwards. IPv4 never in its IPv6 spelling. */
export function clientAddress(request: Pick<Request, 'ip'>): string {
  return plainAddress(request.ip);
}
