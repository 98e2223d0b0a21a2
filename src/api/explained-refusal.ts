// SPDX-License-Identifier: Apache-2.0
// The refusal of a link that a platform gave to a user: an error for a program, a page for a browser.
import type { Request, Response } from 'express';
import { explanation, EXPLANATION_POLICY, EXPLANATION_TYPE, type Explained } from '../service/explanation.js';
import type { HttpFault } from './faults.js';

/** A refusal, and what a browser's user reads of it. */
export interface ExplainedRefusal {
  readonly fault: HttpFault;
  readonly explained: Explained;
}

/** Answers a browser with the page. @throws HttpFault the fault, for everybody else */
export function sendRefusal(request: Request, response: Response, refusal: ExplainedRefusal): void {
  const { fault, explained } = refusal;
  if (!isBrowser(request)) throw fault;
  response.status(fault.status).set(fault.headers);
  response.set('Content-Security-Policy', `${EXPLANATION_POLICY}; frame-ancestors 'none'`);
  response.set('Content-Type', EXPLANATION_TYPE);
  response.send(Buffer.from(explanation(explained), 'utf8'));
}

/** The query parameter `token`; null when it is absent or empty. */
export function tokenOf(request: Request): string | null {
  const given = new URL(request.originalUrl, 'http://localhost').searchParams.get('token');
  return given === null || given === '' ? null : given;
}

/** A program says what it wants, or nothing at all. */
function isBrowser(request: Request): boolean {
  return request.headers.accept?.includes('text/html') === true;
}
