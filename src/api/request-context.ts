// SPDX-License-Identifier: Apache-2.0
// What is known of the request that is being served: begun by the first middleware, filled by the steps behind it, read
// by everything after them. Nothing else is remembered of a request anywhere.
import type { IncomingMessage } from 'node:http';
import type { RequestContext } from '../context.js';
import type { Origin } from '../net/forwarded.js';
import type { Grants, Sight } from '../objects/access.js';
import type { Route } from './route.js';

/** What a rule lets its user do: everything, what is about the things of one project, or about the consoles that lists let them see. */
export interface Scope {
  readonly projectId?: string;
  readonly sight?: Sight;
}

/** What lists of access say to somebody, and by which names they know them. */
export interface Listed {
  readonly principals: readonly string[];
  readonly grants: Grants;
}

/** The state of one request; each member is set by one step. */
interface RequestState {
  context: RequestContext;
  /** Where it comes from, and what its client calls this service. */
  origin?: Origin;
  /** The minor version of /v1 that it is answered in; undefined: none was asked for, or it is not under /v1. */
  minor?: number;
  /** The line of the table that it is for. */
  route?: Route;
  /** What the route's rule lets its user do; absent where the route has none. */
  scope?: Scope;
  /** Absent while no list of access holds for anything, and for those who see everything. */
  listed?: Listed;
}

const STATES = new WeakMap<IncomingMessage, RequestState>();

/** Begins, or replaces what is known about who asks. */
export function setContext(request: IncomingMessage, context: RequestContext): void {
  const state = STATES.get(request);
  if (state === undefined) STATES.set(request, { context });
  else state.context = context;
}

/** What is known of a request. @throws Error when the request has not passed the pipeline: a bug of ours */
export function stateOf(request: IncomingMessage): RequestState {
  const state = STATES.get(request);
  if (state === undefined) throw new Error('this request has no context');
  return state;
}

/** Who asks. @throws Error when the request has not passed the pipeline: a bug of ours */
export function contextOf(request: IncomingMessage): RequestContext {
  return stateOf(request).context;
}

/** The user of a request that was authenticated. @throws Error on a route that strangers may use: a bug of ours */
export function userOf(request: IncomingMessage): string {
  const { user } = contextOf(request);
  if (user === undefined) throw new Error('this request has no user');
  return user;
}

/** The line of the table that a request is for. @throws Error before the router has found it: a bug of ours */
export function routeOf(request: IncomingMessage): Route {
  const { route } = stateOf(request);
  if (route === undefined) throw new Error('this request has not been routed');
  return route;
}

/** Where a request comes from. @throws Error when the request has not passed the pipeline: a bug of ours */
export function originOf(request: IncomingMessage): Origin {
  const { origin } = stateOf(request);
  if (origin === undefined) throw new Error('this request has no origin');
  return origin;
}
