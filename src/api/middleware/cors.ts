// SPDX-License-Identifier: Apache-2.0
// Lets pages of other sites call the service ([cors]). It stands before everything that can refuse a request: refusals
// are readable too, and a preflight request, which has no credential by its nature, is answered here.
import cors from 'cors';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { Conf } from '../../conf/index.js';
import { ConfError } from '../../exception.js';

/**
 * Says in each answer who may read it, and answers preflight requests.
 *
 * @returns null when no other site is allowed anything
 * @throws ConfError when an allowed origin is none
 */
export function crossOrigin(conf: Conf['cors']): RequestHandler | null {
  const { allowedOrigin, allowCredentials, exposeHeaders, maxAge, allowMethods, allowHeaders } = conf;
  if (allowedOrigin.length === 0) return null;
  for (const origin of allowedOrigin) check(origin);
  const any = allowedOrigin.includes('*');
  const answer = cors({
    origin: any ? '*' : [...allowedOrigin],
    credentials: allowCredentials && !any,
    exposedHeaders: [...exposeHeaders],
    maxAge,
    methods: [...allowMethods],
    allowedHeaders: [...allowHeaders],
  });
  return (request: Request, response: Response, next: NextFunction): void => {
    // Any other OPTIONS is a method that we do not have.
    const preflight = request.headers['access-control-request-method'] !== undefined;
    if (request.method === 'OPTIONS' && !(preflight && request.headers.origin !== undefined)) next();
    else answer(request, response, next);
  };
}

function check(origin: string): void {
  if (origin === '*' || (URL.canParse(origin) && new URL(origin).origin === origin)) return;
  throw new ConfError(
    'cors',
    'allowed_origin',
    `${JSON.stringify(origin)} is no origin`,
    'give scheme and host in lower case, and the port where it is not the usual one: https://portal.example.org',
  );
}
