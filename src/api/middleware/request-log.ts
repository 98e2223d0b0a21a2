// SPDX-License-Identifier: Apache-2.0
// One log line for every request: method, path, status, time. The query is left out, because tokens travel there.
import type { NextFunction, Request, Response } from 'express';
import { loggerFor } from '../../log.js';
import { clientAddress } from '../client-view.js';
import { contextOf } from '../request-context.js';

const log = loggerFor('kerbside.api.request');

/** Logs the request when its answer is out, or when its client has gone. */
export function requestLog(request: Request, response: Response, next: NextFunction): void {
  const started = performance.now();
  const { method, path } = request;
  response.once('close', () => {
    const context = contextOf(request);
    // Load balancers check the health every few seconds: only a failure is logged above debug level.
    const quiet = path.startsWith('/healthcheck') && response.statusCode < 400;
    log[quiet ? 'debug' : 'info'](`${method} ${path}`, {
      request_id: context.requestId,
      user: context.user,
      project: context.projectId,
      status: response.statusCode,
      ms: Math.round(performance.now() - started),
      address: clientAddress(request),
      aborted: response.writableFinished ? undefined : true,
    });
  });
  next();
}
