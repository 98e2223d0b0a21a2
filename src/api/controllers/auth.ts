// SPDX-License-Identifier: Apache-2.0
// Logging in and out.
import { Body, Controller, Inject, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import type { Conf } from '../../conf/index.js';
import { mintToken, type TokenSubject } from '../../identity/jwt.js';
import { KeystoneFault } from '../../identity/keystone-fault.js';
import { GroupMissing } from '../../identity/keystone-login.js';
import { Login, type LoginResult } from '../../identity/login.js';
import { loggerFor } from '../../log.js';
import { clientAddress } from '../client-view.js';
import { clearLoginCookies, setLoginCookies } from '../cookies.js';
import { Forbidden, HttpFault, ServiceUnavailable, TooManyRequests, Unauthorized } from '../faults.js';
import { CONF } from '../../conf/conf.module.js';
import { contextOf } from '../request-context.js';
import { LoginBody, loginAttempt } from '../schemas/login.js';
import { BODY } from '../schemas/schema-pipe.js';

const log = loggerFor('kerbside.api.auth');
/** Bytes of the names of groups in a token. */
const MOST_GROUP_BYTES = 2000;

/** `/auth` */
@Controller()
export class AuthController {
  constructor(
    private readonly logins: Login,
    @Inject(CONF) private readonly conf: Conf,
  ) {}

  /** Logs in: a token in the body, or two cookies. */
  async login(
    @Body(BODY) body: LoginBody,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Record<string, unknown>> {
    const asCookie = body.as_cookie === true;
    // A page of another site must not log its visitors in as someone else (login CSRF).
    if (asCookie && request.headers['sec-fetch-site'] === 'cross-site')
      throw new Forbidden('cross-site login');

    const subject = await this.authenticate(body, request);
    const { authSecretSeed, tokenTtl } = this.conf.api;
    const minted = await mintToken(subject, {
      seed: authSecretSeed.reveal(),
      issuer: this.conf.spice.publicFqdn,
      ttl: tokenTtl,
      forCookie: asCookie,
    });
    if (minted.csrf === undefined) {
      return { access_token: minted.token, expires_in: tokenTtl, token_type: 'Bearer' };
    }
    setLoginCookies(response, minted.token, minted.csrf);
    return { expires_in: tokenTtl };
  }

  /** Logs a browser out. A token that was copied elsewhere stays good until it expires. */
  logout(@Res({ passthrough: true }) response: Response): Record<string, unknown> {
    clearLoginCookies(response);
    return { result: 'ok' };
  }

  private async authenticate(body: LoginBody, request: Request): Promise<TokenSubject> {
    const result = await this.attempt(body, request);
    switch (result.kind) {
      case 'accepted':
        return { user: result.user, admin: result.admin, ...carried(result) };
      case 'refused':
        throw new Unauthorized('unauthorized');
      case 'limited':
        throw new TooManyRequests('too many login attempts', result.retryAfter);
      case 'no_method':
        throw new ServiceUnavailable('no login method is configured');
    }
  }

  private async attempt(body: LoginBody, request: Request): Promise<LoginResult> {
    const by = { address: clientAddress(request), requestId: contextOf(request).requestId };
    try {
      return await this.logins.attempt(loginAttempt(body, by));
    } catch (error) {
      if (!(error instanceof KeystoneFault)) throw error;
      log.error('nobody can log in by Keystone', {
        request_id: contextOf(request).requestId,
        kind: error.kind,
        fault: error,
      });
      throw loginFault(error);
    }
  }
}

/** The groups that a token carries: a cookie has 4,096 bytes. */
function carried({ user, groups = [] }: Extract<LoginResult, { kind: 'accepted' }>): {
  readonly groups?: readonly string[];
} {
  let left = MOST_GROUP_BYTES;
  const fitting = groups.filter((group) => (left -= Buffer.byteLength(JSON.stringify(group)) + 1) >= 0);
  if (fitting.length < groups.length)
    log.warning('a user is in more groups than a token can carry; the last ones do not count', {
      user,
      groups: groups.length,
      carried: fitting.length,
    });
  return fitting.length === 0 ? {} : { groups: fitting };
}

/** What is to be set right here is 500 in the original's words; what may come back by itself is 503. */
function loginFault(error: KeystoneFault): HttpFault {
  if (error instanceof GroupMissing) return new HttpFault(500, 'service group not found');
  switch (error.kind) {
    case 'tls':
      return new HttpFault(500, 'Keystone SSL error');
    case 'credentials':
    case 'catalog':
      return new HttpFault(500, 'Keystone setup failure');
    case 'unreachable':
    case 'timeout':
    case 'answer':
      return new ServiceUnavailable('The Keystone service is temporarily unavailable.');
  }
}
