// SPDX-License-Identifier: Apache-2.0
// The cookies of a browser's login: the token, which no script can read, and the value that a script must repeat
// in a header to prove that its page is ours (double submit).
import type { CookieOptions, Response } from 'express';
import { clientPath } from './client-view.js';
import { originOf } from './request-context.js';

/** The cookie with the access token. */
export const ACCESS_COOKIE = 'access_token_cookie';
/** The cookie with the double submit value. */
export const CSRF_COOKIE = 'csrf_access_token';
/** The header that repeats the double submit value; lower case, as Node has it. */
export const CSRF_HEADER = 'x-csrf-token';

/** Sets both for as long as the browser runs; the token's own `exp` ends them earlier. */
export function setLoginCookies(response: Response, token: string, csrf: string): void {
  response.cookie(ACCESS_COOKIE, token, { ...attributes(response), httpOnly: true });
  response.cookie(CSRF_COOKIE, csrf, attributes(response));
}

/** Removes both. */
export function clearLoginCookies(response: Response): void {
  response.clearCookie(ACCESS_COOKIE, { ...attributes(response), httpOnly: true });
  response.clearCookie(CSRF_COOKIE, attributes(response));
}

/** Secure exactly when the request came by https, and for this service's part of its host only, as trusted proxies say. */
function attributes({ req: request }: Response): CookieOptions {
  const secure = originOf(request).scheme === 'https';
  return { path: clientPath(request, '/'), sameSite: 'lax', secure };
}
