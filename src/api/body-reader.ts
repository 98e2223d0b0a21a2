// SPDX-License-Identifier: Apache-2.0
// Reads bodies, after the guards: a stranger can not make us read one that is not for strangers. A body is JSON whatever
// its Content-Type says, and an object, with members only where the route takes them.
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import express, { type Request, type Response } from 'express';
import type { Observable } from 'rxjs';
import { BadRequest, HttpFault } from './faults.js';
import { routeOf } from './request-context.js';

/** The largest body, bytes. No route takes more than a name and a password. */
const MAX_BODY_BYTES = 65536;

const parse = express.json({ type: () => true, limit: MAX_BODY_BYTES, inflate: false });

/** Reads the body of every request that has one. */
export class BodyReader implements NestInterceptor {
  /** @throws HttpFault when the route does not take the body */
  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const http = context.switchToHttp();
    const request = http.getRequest<Request>();
    await read(request, http.getResponse<Response>());
    check(request.body, routeOf(request).body === true);
    return next.handle();
  }
}

function read(request: Request, response: Response): Promise<void> {
  return new Promise((resolve, reject) => {
    parse(request, response, (error?: unknown) => {
      if (error === undefined) resolve();
      else reject(faultOf(error));
    });
  });
}

/** The parser's faults are those of http-errors: they have a status. */
function faultOf(error: unknown): Error {
  const status = typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined;
  switch (status) {
    case 400:
      return new BadRequest('the body is not valid JSON');
    case 413:
      return new HttpFault(413, 'the request body is too large');
    case 415:
      return new HttpFault(415, 'the request body must be UTF-8 without compression');
    default:
      if (typeof status === 'number' && status >= 400 && status < 500) return new BadRequest();
      return error instanceof Error ? error : new Error('the body could not be read', { cause: error });
  }
}

/** @throws BadRequest for a body that the route does not take */
function check(body: unknown, taken: boolean): void {
  if (body === undefined) return;
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new BadRequest('the body must be a JSON object');
  const [unknown] = Object.keys(body);
  if (!taken && unknown !== undefined) throw new BadRequest(`unknown field '${unknown}'`);
}
