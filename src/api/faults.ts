// SPDX-License-Identifier: Apache-2.0
// What a request can be refused with. The message of each goes to the client word for word;
// fault-filter.ts makes the answer of it.
import { KerbsideException } from '../exception.js';
import { MINORS, versionText } from './microversion.js';

/** A refusal with its HTTP status and the headers that belong to it. */
export class HttpFault extends KerbsideException {
  constructor(
    readonly status: number,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** 400: the request breaks a rule; `detail` names the field and the fault. */
export class BadRequest extends HttpFault {
  constructor(detail?: string) {
    super(400, detail === undefined ? 'bad request' : `bad request: ${detail}`);
  }
}

/** 401: no credential, or none that counts (RFC 9110 section 15.5.2, RFC 6750 section 3). */
export class Unauthorized extends HttpFault {
  constructor(message: string, options?: ErrorOptions) {
    super(401, message, { 'WWW-Authenticate': 'Bearer realm="kerbside"' }, options);
  }
}

/** 401 for an API client; a browser is sent to the login page. */
export class SessionExpired extends Unauthorized {}

/** 403: the user is known and may not do this. */
export class Forbidden extends HttpFault {
  constructor(message: string) {
    super(403, message);
  }
}

/** 404: there is no such thing. */
export class NotFound extends HttpFault {
  constructor(message = 'not found') {
    super(404, message);
  }
}

/** 405 with the methods that the path has. */
export class MethodNotAllowed extends HttpFault {
  constructor(methods: readonly string[]) {
    super(405, 'method not allowed', { Allow: methods.join(', ') });
  }
}

/** 406: a version of /v1 that there is not. */
export class VersionNotAcceptable extends HttpFault {
  constructor(asked: string) {
    const [min, max] = [versionText(MINORS.min), versionText(MINORS.max)];
    super(406, `version ${asked} is not supported: the minimum is ${min} and the maximum is ${max}`);
  }
}

/** 409: there is such a thing, and not in a state for this. */
export class Conflicting extends HttpFault {
  constructor(message: string) {
    super(409, message);
  }
}

/** 429; `retryAfter` in whole seconds. */
export class TooManyRequests extends HttpFault {
  constructor(message: string, retryAfter: number) {
    super(429, message, { 'Retry-After': String(retryAfter) });
  }
}

/** 503: something that the request needs is unavailable. */
export class ServiceUnavailable extends HttpFault {
  constructor(message: string) {
    super(503, message);
  }
}
