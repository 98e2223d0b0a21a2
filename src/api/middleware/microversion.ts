// SPDX-License-Identifier: Apache-2.0
// The version of /v1 that a request is answered in, and what every answer says of versions. It stands in front of
// routing and authentication, so that refusals say it too; all that it gives away is public.
import type { IncomingMessage } from 'node:http';
import type { NextFunction, Request, Response } from 'express';
import { BadRequest, VersionNotAcceptable } from '../faults.js';
import {
  isVersioned,
  MINORS,
  negotiate,
  SERVICE_TYPE,
  VERSION_HEADER,
  versionText,
} from '../microversion.js';
import { stateOf } from '../request-context.js';

/** Where a client finds out which versions there are: never refused for the one that it asks for. */
const DOCUMENTS = ['/v1', '/v1/'];

/** The minor version of /v1 that a request is answered in. */
export function minorOf(request: IncomingMessage): number {
  return stateOf(request).minor ?? MINORS.min;
}

/** Sets the headers. @throws BadRequest for a malformed version, VersionNotAcceptable for one that there is not */
export function microversion(request: Request, response: Response, next: NextFunction): void {
  if (isVersioned(request.path)) answerInVersion(request, response);
  next();
}

function answerInVersion(request: Request, response: Response): void {
  const asked = negotiate(header(request));
  const minor = asked.kind === 'version' ? asked.minor : MINORS.min;
  stateOf(request).minor = minor;
  response.vary(VERSION_HEADER);
  response.setHeader(VERSION_HEADER, `${SERVICE_TYPE} ${versionText(minor)}`);
  response.setHeader('OpenStack-API-Minimum-Version', `${SERVICE_TYPE} ${versionText(MINORS.min)}`);
  response.setHeader('OpenStack-API-Maximum-Version', `${SERVICE_TYPE} ${versionText(MINORS.max)}`);
  if (asked.kind === 'version' || DOCUMENTS.includes(request.path)) return;
  if (asked.kind === 'out_of_range') throw new VersionNotAcceptable(asked.asked);
  throw new BadRequest(
    `${VERSION_HEADER}: '${asked.asked}' is no version; give one such as '1.0' or 'latest'`,
  );
}

function header(request: Request): string | undefined {
  const value = request.headers[VERSION_HEADER.toLowerCase()];
  return Array.isArray(value) ? value.join(',') : value;
}
