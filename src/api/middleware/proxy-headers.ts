// SPDX-License-Identifier: Apache-2.0
// What oslo.middleware's http_proxy_to_wsgi does, for the proxies that [api] trusted_proxies names.
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import proxyAddr from 'proxy-addr';
import { ConfError } from '../../exception.js';
import { originOf } from '../../net/forwarded.js';
import { stateOf } from '../request-context.js';

/**
 * Takes down where a request comes from.
 *
 * @param proxies whose headers count
 * @throws ConfError when one of them is no address and no network
 */
export function proxyHeaders(proxies: readonly string[]): RequestHandler {
  const trust = trustIn(proxies);
  return (request: Request, _response: Response, next: NextFunction): void => {
    stateOf(request).origin = originOf(request, (address) => address !== '' && trust(address, 0));
    next();
  };
}

function trustIn(proxies: readonly string[]): (address: string, hop: number) => boolean {
  try {
    return proxyAddr.compile([...proxies]);
  } catch (error) {
    const fault = error instanceof Error ? error.message : 'unreadable';
    throw new ConfError('api', 'trusted_proxies', fault, 'give addresses or networks, such as 192.0.2.0/24');
  }
}
