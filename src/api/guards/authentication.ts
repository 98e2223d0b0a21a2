// SPDX-License-Identifier: Apache-2.0
// Who asks: a token of Keystone in X-Auth-Token, or one of ours in the Authorization header (RFC 6750), or else in a
// cookie. A browser sends a cookie with requests of other sites, too, so a request that changes something must also
// repeat in X-CSRF-TOKEN the value that its token carries and that only a page of this host can read.
import { timingSafeEqual } from 'node:crypto';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';
import { Secret } from '../../conf/secret.js';
import type { RequestContext } from '../../context.js';
import { KerbsideException } from '../../exception.js';
import {
  TokenExpired,
  TokenInvalid,
  tokenVerifier,
  type TokenVerifier,
  type VerifiedToken,
} from '../../identity/jwt.js';
import { KeystoneFault } from '../../identity/keystone-fault.js';
import { nameOf } from '../../identity/keystone-login.js';
import type { TokenValidator, ValidToken } from '../../identity/token-validator.js';
import { loggerFor } from '../../log.js';
import type { Policy } from '../../policy.js';
import { ACCESS_COOKIE, CSRF_HEADER } from '../cookies.js';
import { HttpFault, ServiceUnavailable, SessionExpired, Unauthorized } from '../faults.js';
import { contextOf, routeOf, setContext } from '../request-context.js';

/** A token and the way it came. */
interface Credential {
  readonly token: string;
  readonly cookie: boolean;
}

/** Keystone, as far as authentication needs it. */
export interface KeystoneTokens {
  readonly validator: Pick<TokenValidator, 'validate'>;
  /** Where users get a token, for WWW-Authenticate. */
  readonly uri: string;
  readonly policy: Policy;
}

/** 401 with the place where a token can be had. */
class NotAuthenticated extends HttpFault {
  constructor(message: string, challenges: readonly string[]) {
    super(401, message, { 'WWW-Authenticate': challenges.join(', ') });
  }
}

const OUR_CHALLENGE = 'Bearer realm="kerbside"';
const log = loggerFor('kerbside.api.authentication');

/** Authenticates as the route's access asks for it. */
export class AuthenticationGuard implements CanActivate {
  private readonly verify: TokenVerifier;

  /**
   * @param seed the key of our own tokens
   * @param keystone undefined: its tokens are not accepted
   */
  constructor(
    seed: string,
    private readonly keystone: KeystoneTokens | undefined,
  ) {
    this.verify = tokenVerifier(seed);
  }

  /** @throws HttpFault 401, or 503 when Keystone does not say */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<Request>();
    const { access } = routeOf(request);
    if (access === 'public') return true;
    const optional = access === 'optional';
    const { keystone } = this;
    const token = keystone === undefined ? '' : headerOf(request, 'x-auth-token');
    if (keystone !== undefined && token !== '')
      await authenticateAtKeystone(request, keystone, token, optional);
    else await authenticate(request, this.verify, optional, keystone);
    return true;
  }
}

async function authenticateAtKeystone(
  request: Request,
  keystone: KeystoneTokens,
  token: string,
  optional: boolean,
): Promise<void> {
  const valid = await validated(request, keystone, token, optional);
  if (valid === undefined) return;
  if (valid === null) {
    if (optional) return;
    throw new NotAuthenticated('The request you have made requires authentication.', [challengeOf(keystone)]);
  }
  const context: RequestContext = {
    ...contextOf(request),
    user: valid.userName,
    userId: valid.userId,
    listedAs: nameOf(valid),
    groups: valid.federatedGroups,
    via: 'keystone',
    roles: valid.roles,
    systemScope: valid.systemScope,
    token: new Secret(token),
    ...(valid.projectId === null ? {} : { projectId: valid.projectId }),
  };
  setContext(request, { ...context, admin: keystone.policy.authorize(context, 'context_is_admin', {}) });
}

/** undefined: Keystone does not answer, and authentication is optional. */
async function validated(
  request: Request,
  keystone: KeystoneTokens,
  token: string,
  optional: boolean,
): Promise<ValidToken | null | undefined> {
  const { method, path } = request;
  const serviceToken = headerOf(request, 'x-service-token');
  try {
    return await keystone.validator.validate(token, { method, path, serviceToken });
  } catch (error) {
    if (!(error instanceof KeystoneFault)) throw error;
    log.warning('a token cannot be validated', {
      request_id: contextOf(request).requestId,
      kind: error.kind,
      fault: error,
    });
    if (optional) return undefined;
    throw new ServiceUnavailable('The Keystone service is temporarily unavailable.');
  }
}

function headerOf(request: Request, name: string): string {
  const value = request.headers[name];
  return typeof value === 'string' ? value.trim() : '';
}

function challengeOf(keystone: KeystoneTokens): string {
  return `Keystone uri="${keystone.uri}"`;
}

async function authenticate(
  request: Request,
  verify: TokenVerifier,
  optional: boolean,
  keystone: KeystoneTokens | undefined,
): Promise<void> {
  const credential = credentialOf(request);
  if (credential === undefined) {
    if (optional) return;
    const challenges = keystone === undefined ? [OUR_CHALLENGE] : [challengeOf(keystone), OUR_CHALLENGE];
    throw new NotAuthenticated('Missing JWT in headers or cookies', challenges);
  }
  const token = await verified(credential, verify, optional);
  if (token === undefined) return;
  if (credential.cookie && !['GET', 'HEAD'].includes(request.method)) demandCsrf(request, token);
  setContext(request, {
    ...contextOf(request),
    user: token.user,
    listedAs: token.user,
    groups: token.groups ?? [],
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
  verify: TokenVerifier,
  optional: boolean,
): Promise<VerifiedToken | undefined> {
  try {
    return await verify(credential.token);
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
