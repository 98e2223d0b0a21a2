// SPDX-License-Identifier: Apache-2.0
// Logging in and out.
import { Body, Controller, Inject, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import type { Conf } from '../../conf/index.js';
import { mintToken, type TokenSubject } from '../../identity/jwt.js';
import { Login } from '../../identity/login.js';
import { clientAddress } from '../client-address.js';
import { clearLoginCookies, setLoginCookies } from '../cookies.js';
import { Forbidden, ServiceUnavailable, TooManyRequests, Unauthorized } from '../faults.js';
import { CONF } from '../injection-tokens.js';
import { LoginBody } from '../schemas/login.js';
import { BODY } from '../schemas/schema-pipe.js';

/** `/auth` */
@Controller()
export class AuthController {
  constructor(
    private readonly local: Login,
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

    const subject = await this.authenticate(body, clientAddress(request));
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

  private async authenticate(body: LoginBody, address: string): Promise<TokenSubject> {
    const result = await this.local.attempt({ user: body.username, password: body.password, address });
    switch (result.kind) {
      case 'accepted':
        return { user: result.user, admin: result.admin };
      case 'refused':
        throw new Unauthorized('unauthorized');
      case 'limited':
        throw new TooManyRequests('too many login attempts', result.retryAfter);
      case 'no_method':
        throw new ServiceUnavailable('no login method is configured');
    }
  }
}
