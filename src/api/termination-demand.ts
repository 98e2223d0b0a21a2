// SPDX-License-Identifier: Apache-2.0
// What the records keep of a request that ends sessions: who sent it, and what it was for.
import type { Request } from 'express';
import type { TerminationDemand } from '../broker/session-termination.js';
import { requesterOf } from './requester.js';

const REASONS = {
  session: 'session terminated by request',
  console: 'console terminated by request',
} as const;

/**
 * The demand that a request makes.
 *
 * @param what whether one session is to end, or all of a console
 */
export function demandOf(request: Request, what: keyof typeof REASONS): TerminationDemand {
  return { by: requesterOf(request), reason: REASONS[what] };
}
