// SPDX-License-Identifier: Apache-2.0
// Who a request comes from and which site it is for, through trusted proxies; and whether the page that opens a
// WebSocket may do so, by the rule of Nova's console proxies.
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { plainAddress } from '../net/address.js';
import type { NetworkList } from '../net/network-list.js';

/** The browser behind a request. */
export interface Browser {
  readonly address: string;
  /** 0 behind a proxy, which does not tell it. */
  readonly port: number;
  /** How the browser speaks to the site; null: a proxy in front does not tell. */
  readonly scheme: 'http' | 'https' | null;
}

/** Addresses of X-Forwarded-For that are looked at. */
const MAX_HOPS = 20;

/** The browser of a request. Of the headers of proxies only those of trusted ones count. */
export function browserOf(request: IncomingMessage, trusted: NetworkList): Browser {
  const { socket, headers } = request;
  const encrypted = 'encrypted' in socket && socket.encrypted === true;
  const sender = plainAddress(socket.remoteAddress);
  if (!trusted.has(sender)) {
    return { address: sender, port: socket.remotePort ?? 0, scheme: encrypted ? 'https' : null };
  }
  const proto = one(headers['x-forwarded-proto'])?.trim().toLowerCase();
  const scheme = proto === 'http' || proto === 'https' ? proto : encrypted ? 'https' : null;
  const client = clientOf(one(headers['x-forwarded-for']) ?? '', trusted);
  if (client === null) return { address: sender, port: socket.remotePort ?? 0, scheme };
  return { address: client, port: 0, scheme };
}

/** The host name and the port that a Host header names; null when it is none. */
export function siteOf(host: string | undefined): { name: string; authority: string } | null {
  const authority = host?.trim().toLowerCase() ?? '';
  const [, name] = /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,253})(?::\d{1,5})?$/.exec(authority) ?? [];
  return name === undefined ? null : { name, authority };
}

/**
 * Why a page may not open a WebSocket here; null: it may. No Origin is no browser. As in Nova the host names are compared,
 * not the ports; the scheme where it is known.
 */
export function originFault(
  request: IncomingMessage,
  browser: Browser,
  allowed: readonly string[],
): string | null {
  const { origin } = request.headers;
  if (origin === undefined) return null;
  const site = siteOf(request.headers.host);
  if (site === null) return 'the Host header names no host';
  if (!URL.canParse(origin)) return 'the Origin header names no site';
  const { hostname, protocol } = new URL(origin);
  if (hostname === '') return 'the Origin header names no site';
  const known = hostname === site.name || allowed.some((name) => bracketed(name) === hostname);
  if (!known) return 'the origin is another site';
  if (browser.scheme !== null && protocol !== `${browser.scheme}:`) return 'the origin has another scheme';
  return null;
}

function bracketed(name: string): string {
  return isIP(name) === 6 ? `[${name}]` : name.toLowerCase();
}

/** From the right, the first address that is no trusted proxy. */
function clientOf(forwarded: string, trusted: NetworkList): string | null {
  let client: string | null = null;
  for (const hop of forwarded.split(',').slice(-MAX_HOPS).reverse()) {
    const address = plainAddress(hop.trim());
    if (isIP(address) === 0) return client;
    client = address;
    if (!trusted.has(address)) return client;
  }
  return client;
}

function one(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(',') : header;
}
