// SPDX-License-Identifier: Apache-2.0
// Looks the request up in the table of routes before anything else happens to it: what is not in the table
// is 404 or 405 for everyone, and what follows knows which rule holds.
import type { IncomingMessage } from 'node:http';
import type { NextFunction, Request, Response } from 'express';
import { Absent, BadRequest, MethodNotAllowed } from '../faults.js';
import { matchRoute, type Route } from '../routes.js';
import { minorOf } from './microversion.js';

/** The line of the table that a request is for, and the parameters of its path. */
export interface RoutedRequest {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

const ROUTED = new WeakMap<IncomingMessage, RoutedRequest>();

/** Finds the route. @throws Absent, MethodNotAllowed, BadRequest */
export function routing(request: Request, _response: Response, next: NextFunction): void {
  const match = matchRoute(request.method, request.path);
  switch (match.kind) {
    case 'unknown':
      throw new Absent();
    case 'wrong_method':
      throw new MethodNotAllowed(match.allowed);
    case 'malformed':
      throw new BadRequest('malformed path');
    case 'route':
      if ((match.route.since ?? 0) > minorOf(request)) throw new Absent();
      ROUTED.set(request, match);
      next();
  }
}

/** The route of a request. @throws Error when the request was not routed: a bug of ours */
export function routeOf(request: IncomingMessage): RoutedRequest {
  const routed = ROUTED.get(request);
  if (routed === undefined) throw new Error('this request has not been routed');
  return routed;
}
