// SPDX-License-Identifier: Apache-2.0
// The one place where an exception becomes an HTTP answer: `{"error": <text>, "status": <code>}`. What a stranger
// reads is one of our own sentences; what nobody foresaw is logged here, once, and named by the request's id.
import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { Request, Response } from 'express';
import { Conflict, DatabaseError, InvalidInput, NotFound, Unavailable } from '../exception.js';
import { loggerFor } from '../log.js';
import { wantsHtml } from './accept.js';
import { Absent, BadRequest, HttpFault, ServiceUnavailable, SessionExpired } from './faults.js';
import { contextOf } from './request-context.js';

const LOG = loggerFor('kerbside.api.fault');

/** Answers for every exception. */
@Catch()
export class FaultFilter implements ExceptionFilter {
  /** Turns the exception into the answer. */
  catch(exception: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<Request>();
    const response = http.getResponse<Response>();
    const fault = faultOf(exception) ?? unforeseen(exception, request);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    if (fault instanceof SessionExpired && wantsHtml(request.headers.accept)) {
      response.redirect(302, '/');
      return;
    }
    response.status(fault.status).set(fault.headers).json({ error: fault.message, status: fault.status });
  }
}

function unforeseen(exception: unknown, request: Request): HttpFault {
  const { requestId, user } = contextOf(request);
  LOG.error('unexpected exception', {
    request_id: requestId,
    user,
    fault: exception instanceof Error ? exception : String(exception),
  });
  return new HttpFault(500, `server error: the log has the details of request ${requestId}`);
}

/** What the client is told; undefined for an exception that nobody foresaw. */
export function faultOf(exception: unknown): HttpFault | undefined {
  if (exception instanceof HttpFault) return exception;
  if (exception instanceof NotFound) return new Absent(exception.message);
  if (exception instanceof InvalidInput) return new BadRequest(exception.message);
  if (exception instanceof Conflict) return new HttpFault(409, exception.message);
  if (exception instanceof Unavailable) return new ServiceUnavailable(exception.message);
  if (exception instanceof DatabaseError) return databaseFault(exception);
  if (exception instanceof HttpException) return routerFault(exception);
  return bodyFault(exception);
}

function databaseFault(exception: DatabaseError): HttpFault {
  LOG.error('the database refused', { fault: exception });
  return new ServiceUnavailable('the database does not answer');
}

/** Nest's own exceptions: a body that is no JSON comes as 400. */
function routerFault(exception: HttpException): HttpFault | undefined {
  switch (exception.getStatus()) {
    case 400:
      return new BadRequest('the body is not valid JSON');
    case 404:
      return new Absent();
    default:
      return undefined;
  }
}

/** The errors of the body parser: they carry a `type` and the status of the answer. */
function bodyFault(exception: unknown): HttpFault | undefined {
  if (!(exception instanceof Error) || !('type' in exception) || !('status' in exception)) return undefined;
  const { type, status } = exception;
  if (typeof type !== 'string' || typeof status !== 'number' || status < 400 || status > 499)
    return undefined;
  switch (type) {
    case 'entity.too.large':
      return new HttpFault(413, 'the request body is too large');
    case 'entity.parse.failed':
      return new BadRequest('the body is not valid JSON');
    case 'charset.unsupported':
    case 'encoding.unsupported':
      return new HttpFault(415, 'the request body must be UTF-8 without compression');
    default:
      return new BadRequest();
  }
}
