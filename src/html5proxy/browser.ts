// SPDX-License-Identifier: Apache-2.0
// Who a request comes from and which site it is for, through trusted proxies; and whether the page that opens a
// WebSocket may do so, by the rule of Nova's console proxies.
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { originOf, type Origin } from '../net/forwarded.js';
import type { NetworkList } from '../net/network-list.js';

/** The browser of a request. Of the headers of proxies only those of trusted ones count. */
export function browserOf(request: IncomingMessage, trusted: NetworkList): Origin {
  return originOf(request, (address) => trusted.has(address));
}

/** The host name of an authority: without its port. */
export function hostOf(authority: string): string {
  return authority.replace(/:\d+$/, '');
}

/**
 * Why a page may not open a WebSocket here; null: it may. No Origin is no browser. As in Nova the host names are compared,
 * not the ports; the scheme where it is known.
 */
export function originFault(
  request: IncomingMessage,
  browser: Origin,
  allowed: readonly string[],
): string | null {
  const { origin } = request.headers;
  if (origin === undefined) return null;
  if (browser.authority === null) return 'the Host header names no host';
  if (!URL.canParse(origin)) return 'the Origin header names no site';
  const { hostname, protocol } = new URL(origin);
  if (hostname === '') return 'the Origin header names no site';
  const known =
    hostname === hostOf(browser.authority) || allowed.some((name) => bracketed(name) === hostname);
  if (!known) return 'the origin is another site';
  if (browser.scheme !== null && protocol !== `${browser.scheme}:`) return 'the origin has another scheme';
  return null;
}

function bracketed(name: string): string {
  return isIP(name) === 6 ? `[${name}]` : name.toLowerCase();
}
