// SPDX-License-Identifier: Apache-2.0
// Names every request, as oslo.middleware's request_id does: the name is in every answer and on every log line.
import { randomUUID } from 'node:crypto';
import type { NextFunction, Request, Response } from 'express';
import { strangerContext } from '../../context.js';
import { setContext } from '../request-context.js';

/** Makes the context of the request and sets X-Openstack-Request-Id. */
export function requestId(request: Request, response: Response, next: NextFunction): void {
  const id = `req-${randomUUID()}`;
  setContext(request, strangerContext(id));
  response.setHeader('X-Openstack-Request-Id', id);
  next();
}
