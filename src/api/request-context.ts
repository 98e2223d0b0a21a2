// SPDX-License-Identifier: Apache-2.0
// The context of the request that is being served: made by the first middleware, filled by authentication,
// read by everything behind them.
import type { IncomingMessage } from 'node:http';
import type { RequestContext } from '../context.js';

const CONTEXTS = new WeakMap<IncomingMessage, RequestContext>();

/** Sets what is known about who asks. */
export function setContext(request: IncomingMessage, context: RequestContext): void {
  CONTEXTS.set(request, context);
}

/** The context of a request. @throws Error when the request has not passed the pipeline: a bug of ours */
export function contextOf(request: IncomingMessage): RequestContext {
  const context = CONTEXTS.get(request);
  if (context === undefined) throw new Error('this request has no context');
  return context;
}

/** The user of a request that was authenticated. @throws Error on a route that strangers may use: a bug of ours */
export function userOf(request: IncomingMessage): string {
  const { user } = contextOf(request);
  if (user === undefined) throw new Error('this request has no user');
  return user;
}
