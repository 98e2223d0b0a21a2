// SPDX-License-Identifier: Apache-2.0
// A link that a platform gave to a user: its token becomes a .vv file, or a refusal, which is an error for a program and a
// page for a browser. The token is all that is asked for; whatever else the query holds is ignored.
import type { Request, Response } from 'express';
import { explanation, EXPLANATION_POLICY, EXPLANATION_TYPE, type Explained } from '../service/explanation.js';
import { sendConsoleFile } from './console-files.js';
import { Unauthorized, type HttpFault } from './faults.js';

/** A refusal, and what a browser's user reads of it. */
export interface ExplainedRefusal {
  readonly fault: HttpFault;
  readonly explained: Explained;
}

const FILE_NAME = 'attachment; filename="console.vv"';

/**
 * Answers the request for a link.
 * @param open gives the text of the file for a token
 * @throws HttpFault what it is refused for, unless a browser gets a page
 */
export async function answerTokenLink(
  request: Request,
  response: Response,
  open: (token: string) => Promise<string | ExplainedRefusal>,
): Promise<void> {
  const token = tokenOf(request);
  const opened: string | ExplainedRefusal =
    token === null ? { fault: new Unauthorized('token absent'), explained: 'absent' } : await open(token);
  if (typeof opened !== 'string') {
    sendRefusal(request, response, opened);
    return;
  }
  response.setHeader('Content-Disposition', FILE_NAME);
  sendConsoleFile(response, opened);
}

/** Answers a browser with the page. @throws HttpFault the fault, for everybody else */
function sendRefusal(request: Request, response: Response, refusal: ExplainedRefusal): void {
  const { fault, explained } = refusal;
  if (!isBrowser(request)) throw fault;
  response.status(fault.status).set(fault.headers);
  response.set('Content-Security-Policy', `${EXPLANATION_POLICY}; frame-ancestors 'none'`);
  response.set('Content-Type', EXPLANATION_TYPE);
  response.send(Buffer.from(explanation(explained), 'utf8'));
}

/** The query parameter `token`; null when it is absent or empty. */
function tokenOf(request: Request): string | null {
  const given = new URL(request.originalUrl, 'http://localhost').searchParams.get('token');
  return given === null || given === '' ? null : given;
}

/** A program says what it wants, or nothing at all. */
function isBrowser(request: Request): boolean {
  return request.headers.accept?.includes('text/html') === true;
}
