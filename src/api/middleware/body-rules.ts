// SPDX-License-Identifier: Apache-2.0
// What a body may be, after it was parsed: an object, and one with members only where the route takes them.
import type { NextFunction, Request, Response } from 'express';
import { BadRequest } from '../faults.js';
import { routeOf } from './routing.js';

/** The largest body, bytes. No route takes more than a name and a password. */
export const MAX_BODY_BYTES = 65536;

/** Refuses bodies that the route does not take. @throws BadRequest */
export function bodyRules(request: Request, _response: Response, next: NextFunction): void {
  const body: unknown = request.body;
  if (body !== undefined) {
    if (typeof body !== 'object' || body === null || Array.isArray(body)) {
      throw new BadRequest('the body must be a JSON object');
    }
    const [unknown] = Object.keys(body);
    if (routeOf(request).route.body !== true && unknown !== undefined) {
      throw new BadRequest(`unknown field '${unknown}'`);
    }
  }
  next();
}
