// SPDX-License-Identifier: Apache-2.0
// The one place where an exception becomes an HTTP answer: `{"error": <text>, "status": <code>}`, and under /v1 what
// OpenStack's clients expect. What the client reads is one of our own sentences; an unexpected fault is logged here, once, with the request's id.
import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { Request, Response } from 'express';
import type { RequestContext } from '../context.js';
import {
  Conflict,
  DatabaseError,
  InvalidInput,
  NotFound as UnknownObject,
  PlatformRefused,
  Unavailable,
} from '../exception.js';
import { loggerFor } from '../log.js';
import { wantsHtml } from './accept.js';
import { errorsBody } from './api-errors.js';
import { clientPath } from './client-view.js';
import {
  NotFound,
  BadRequest,
  Forbidden,
  HttpFault,
  ServiceUnavailable,
  SessionExpired,
  Unauthorized,
} from './faults.js';
import { isVersioned } from './microversion.js';
import { contextOf } from './request-context.js';

const log = loggerFor('kerbside.api.fault');

/** Answers for every exception. */
@Catch()
export class FaultFilter implements ExceptionFilter {
  /** Turns the exception into the answer. */
  catch(exception: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<Request>();
    const response = http.getResponse<Response>();
    const fault = faultOf(exception) ?? serverFault(exception, contextOf(request));
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const versioned = isVersioned(request.path);
    if (!versioned && fault instanceof SessionExpired && wantsHtml(request.headers.accept)) {
      response.redirect(302, clientPath(request, '/'));
      return;
    }
    const body = versioned
      ? errorsBody(fault, contextOf(request).requestId)
      : { error: fault.message, status: fault.status };
    response.status(fault.status).set(fault.headers).json(body);
  }
}

/** The answer to the client for an exception; undefined for a fault on our side, which is for the log. */
export function faultOf(exception: unknown): HttpFault | undefined {
  if (exception instanceof HttpFault) return exception;
  if (exception instanceof UnknownObject) return new NotFound(exception.message);
  if (exception instanceof InvalidInput) return new BadRequest(exception.message);
  if (exception instanceof Conflict) return new HttpFault(409, exception.message);
  if (exception instanceof PlatformRefused) return platformFault(exception);
  if (exception instanceof Unavailable) return new ServiceUnavailable(exception.message);
  return exception instanceof HttpException ? routerFault(exception.getStatus()) : undefined;
}

/** What a platform answers to one of its users. */
function platformFault({ why, message }: PlatformRefused): HttpFault {
  switch (why) {
    case 'invalid':
      return new BadRequest(message);
    case 'unauthenticated':
      return new Unauthorized(message);
    case 'forbidden':
      return new Forbidden(message);
    case 'unsupported':
      return new HttpFault(501, message);
  }
}

/** The router's own: no such path, or one with a percent sign that encodes nothing. */
function routerFault(status: number): HttpFault | undefined {
  if (status === 404) return new NotFound();
  if (status === 400) return new BadRequest('malformed path');
  return status > 400 && status < 500 ? new BadRequest() : undefined;
}

/** Logs the exact fault, gives what a stranger may know of it. */
function serverFault(exception: unknown, context: RequestContext): HttpFault {
  const fields = {
    request_id: context.requestId,
    user: context.user,
    fault: exception instanceof Error ? exception : String(exception),
  };
  if (exception instanceof DatabaseError) {
    log.error('the database does not answer', fields);
    return new ServiceUnavailable('the database does not answer');
  }
  log.error('unexpected exception', fields);
  return new HttpFault(500, `server error: the log has the details of request ${context.requestId}`);
}
