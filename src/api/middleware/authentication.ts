// SPDX-License-Identifier: Apache-2.0
// Who asks: a token in the Authorization header (RFC 6750), or else in a cookie. A cookie is sent by a browser
// whoever made it send the request, so a request that changes something must also repeat in X-CSRF-TOKEN the
// value that its token carries and that only a page of this host can read.
import { timingSafeEqual } from 'node:crypto';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { KerbsideException } from '../../exception.js';
import { TokenExpired, TokenInvalid, verifyToken, type VerifiedToken } from '../../identity/jwt.js';
import { ACCESS_COOKIE, CSRF_HEADER } from '../cookies.js';
import { SessionExpired, Unauthorized } from '../faults.js';
import { contextOf, setContext } from '../request-context.js';
import { routeOf } from './routing.js';

/** A token and the way it came. */
interface Credential {
  readonly token: string;
  readonly cookie: boolean;
}

/** Authenticates as the route's access asks for it. @param seed the key of the tokens */
export function authentication(seed: string): RequestHandler {
  return async (request: Request, _response: Response, next: NextFunction): Promise<void> => {
    const { access } = routeOf(request).route;
    if (access !== 'public') await authenticate(request, seed, access === 'optional');
    next();
  };
}

async function authenticate(request: Request, seed: string, optional: boolean): Promise<void> {
  const credential = credentialOf(request);
  if (credential === undefined) {
    if (optional) return;
    throw new Unauthorized('Missing JWT in headers or cookies');
  }
  const token = await verified(credential, seed, optional);
  if (token === undefined) return;
  if (credential.cookie && !['GET', 'HEAD'].includes(request.method)) demandCsrf(request, token);
  setContext(request, {
    ...contextOf(request),
    user: token.user,
    admin: token.admin,
    via: 'jwt',
    roles: token.admin ? ['operator', 'admin'] : ['operator'],
  });
}

function credentialOf(request: Request): Credential | undefined {
  const bearer = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1];
  if (bearer !== undefined) return { token: bearer, cookie: false };
  const cookies = request.cookies as Readonly<Record<string, unknown>> | undefined;
  const cookie = cookies?.[ACCESS_COOKIE];
  return typeof cookie === 'string' && cookie !== '' ? { token: cookie, cookie: true } : undefined;
}

async function verified(
  credential: Credential,
  seed: string,
  optional: boolean,
): Promise<VerifiedToken | undefined> {
  try {
    return await verifyToken(credential.token, seed);
  } catch (error) {
    if (!(error instanceof KerbsideException)) throw error;
    if (optional) return undefined;
    if (error instanceof TokenExpired) throw new SessionExpired(error.message, { cause: error });
    if (error instanceof TokenInvalid) throw new Unauthorized(error.message, { cause: error });
    throw error;
  }
}

function demandCsrf(request: Request, token: VerifiedToken): void {
  const given = request.headers[CSRF_HEADER];
  if (typeof given !== 'string' || given === '') throw new Unauthorized('Missing CSRF token');
  if (token.csrf === undefined || !equal(given, token.csrf)) {
    throw new Unauthorized('CSRF double submit tokens do not match');
  }
}

function equal(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
