// SPDX-License-Identifier: Apache-2.0
// Where a request really comes from and what its client calls this service, through proxies that are trusted:
// X-Forwarded-For, -Proto, -Host, -Port and -Prefix, or Forwarded (RFC 7239). What others send counts for nothing, and
// what a trusted proxy has handed on is checked before it counts: it may be the client's own invention.
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import parseForwarded from 'forwarded-parse';
import proxyAddr from 'proxy-addr';
import { plainAddress } from './address.js';

/** A request, as far as its origin goes: node:http's IncomingMessage is one. */
export interface ForwardedRequest {
  readonly headers: IncomingHttpHeaders;
  readonly socket: {
    readonly remoteAddress?: string | undefined;
    readonly remotePort?: number | undefined;
    readonly encrypted?: unknown;
  };
}

/** Says whether an address is a trusted proxy's. */
export type Trust = (address: string) => boolean;

/** Where a request comes from. */
export interface Origin {
  /** The client's address; '' when its connection is gone already. */
  readonly address: string;
  /** 0 behind a proxy, which does not pass it on. */
  readonly port: number;
  /** How the client speaks to the site; null: a trusted proxy is in front and does not say. */
  readonly scheme: 'http' | 'https' | null;
  /** Host name, and the port where it is not the scheme's own, as the client named them; null: it named none. */
  readonly authority: string | null;
  /** The path under which the client sees this service, `/console` for one; '' when it is at the root. */
  readonly prefix: string;
}

/** What proxies say, whichever headers they speak. */
interface Said {
  /** The client's address and those of proxies, the nearest first. */
  readonly addresses: readonly string[];
  readonly scheme: string | undefined;
  readonly authority: string | undefined;
  readonly port: string | undefined;
  readonly prefix: string | undefined;
}

/** Segments of unreserved characters (RFC 3986 section 2.3): safe in links, cookies and headers. */
const PREFIX = /^(?:\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*){1,16}$/;
const LONGEST_PREFIX = 256;
const AUTHORITY = /^(?:\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,253})(?::\d{1,5})?$/;
const OWN_PORT: Readonly<Record<string, string>> = { http: '80', https: '443' };

/** Where a request comes from. */
export function originOf(request: ForwardedRequest, trust: Trust): Origin {
  const { socket, headers } = request;
  const sender = plainAddress(socket.remoteAddress);
  const encrypted = socket.encrypted === true;
  const remotePort = socket.remotePort ?? 0;
  const named = authorityOf(headers.host);
  if (!trust(sender)) {
    const scheme = encrypted ? 'https' : null;
    return { address: sender, port: remotePort, scheme, authority: named, prefix: '' };
  }
  const said = whatProxiesSay(request, trust);
  const client = said.addresses.map(plainAddress).findLast((address) => isIP(address) !== 0) ?? sender;
  const scheme = schemeOf(said.scheme) ?? (encrypted ? 'https' : null);
  return {
    address: client,
    port: said.addresses.length > 1 && client !== sender ? 0 : remotePort,
    scheme,
    authority: withPort(authorityOf(said.authority) ?? named, said.port, scheme),
    prefix: prefixOf(said.prefix),
  };
}

/** Host name and perhaps port, in lower case; null when the text is none. */
export function authorityOf(host: string | undefined): string | null {
  const authority = host?.trim().toLowerCase() ?? '';
  return AUTHORITY.test(authority) ? authority : null;
}

// A proxy that speaks X-Forwarded-* passes on whatever Forwarded its client has sent: where both come, the former count.
function whatProxiesSay(request: ForwardedRequest, trust: Trust): Said {
  const { headers } = request;
  const [list, scheme, authority] = ['for', 'proto', 'host'].map((name) =>
    one(headers[`x-forwarded-${name}`]),
  );
  const rest = {
    port: first(one(headers['x-forwarded-port'])),
    prefix: one(headers['x-forwarded-prefix']),
  };
  if (list === undefined && scheme === undefined && authority === undefined) {
    const elements = elementsOf(one(headers.forwarded));
    const addresses = walk(request, elements.map((element) => addressOf(element['for'])).join(','), trust);
    // The element that the proxy next to the client has written.
    const { proto, host } = elements[elements.length - (addresses.length - 1)] ?? {};
    return { addresses, scheme: proto, authority: host, ...rest };
  }
  return {
    addresses: walk(request, list, trust),
    scheme: first(scheme),
    authority: first(authority),
    ...rest,
  };
}

/** From the sender on, up to and with the first that is no trusted proxy. */
function walk({ socket }: ForwardedRequest, list: string | undefined, trust: Trust): string[] {
  const headers = list === undefined || list === '' ? {} : { 'x-forwarded-for': list };
  const request = { headers, socket, connection: socket } as unknown as Parameters<typeof proxyAddr.all>[0];
  return proxyAddr.all(request, (address) => trust(plainAddress(address)));
}

/** A header that cannot be read says nothing. */
function elementsOf(header: string | undefined): Record<string, string>[] {
  if (header === undefined) return [];
  try {
    return parseForwarded(header);
  } catch {
    return [];
  }
}

/** The address of a node (RFC 7239 section 6); `unknown` for one that hides itself. */
function addressOf(node: string | undefined): string {
  const [, v6, v4] = /^(?:\[([0-9a-f:.]+)\]|([0-9.]+))(?::[0-9A-Za-z._-]+)?$/i.exec(node ?? '') ?? [];
  return v6 ?? v4 ?? 'unknown';
}

function schemeOf(text: string | undefined): 'http' | 'https' | null {
  const scheme = text?.trim().toLowerCase();
  return scheme === 'http' || scheme === 'https' ? scheme : null;
}

function withPort(
  authority: string | null,
  port: string | undefined,
  scheme: 'http' | 'https' | null,
): string | null {
  if (authority === null || /:\d+$/.test(authority)) return authority;
  if (port === undefined || !/^[1-9]\d{0,4}$/.test(port) || Number(port) > 65535) return authority;
  return port === OWN_PORT[scheme ?? 'http'] ? authority : `${authority}:${port}`;
}

function prefixOf(text: string | undefined): string {
  const prefix = text?.trim().replace(/\/$/, '') ?? '';
  return prefix.length <= LONGEST_PREFIX && PREFIX.test(prefix) ? prefix : '';
}

function first(list: string | undefined): string | undefined {
  return list?.split(',', 1)[0]?.trim();
}

function one(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(',') : header;
}
