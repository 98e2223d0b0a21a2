// SPDX-License-Identifier: Apache-2.0
// Where a request comes from, as logs, limits and the audit trail name it; and what its client calls this service.
import type { IncomingMessage } from 'node:http';
import { originOf } from './request-context.js';

/** The client's address; behind a trusted proxy the one that it forwards. IPv4 never in its IPv6 spelling. */
export function clientAddress(request: IncomingMessage): string {
  return originOf(request).address;
}

/** A path of this service as the client sees it: for redirects, links and cookies. @param path begins with a slash */
export function clientPath(request: IncomingMessage, path: string): string {
  return `${originOf(request).prefix}${path}`;
}

/** Scheme, authority and prefix of this service as the client sees them, without a slash at the end. */
export function baseUrl(request: IncomingMessage): string {
  const { scheme, authority, prefix } = originOf(request);
  return `${scheme ?? 'http'}://${authority ?? ownAuthority(request)}${prefix}`;
}

/** For clients that name no host, or none that a link could hold. */
function ownAuthority({ socket }: IncomingMessage): string {
  const { localAddress = '', localPort = 0 } = socket;
  return `${localAddress.includes(':') ? `[${localAddress}]` : localAddress}:${localPort}`;
}
