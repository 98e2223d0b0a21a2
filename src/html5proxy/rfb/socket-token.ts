// SPDX-License-Identifier: Apache-2.0
// How a WebSocket says that it wants a VNC console, and which: by its subprotocols where the page is ours, so that the token
// stands in no URL; by its URL where it is a noVNC of somebody else, as that of Nova's links.
import type { IncomingMessage } from 'node:http';
import { novaToken } from '../nova-link.js';

/** The subprotocol that holds a console token of Kerbside. */
export const TOKEN_PROTOCOL = 'kerbside.token.';

/** The token of a request for a VNC console; null: it wants none. A secret. */
export function rfbTokenOf({ headers, url = '' }: IncomingMessage): string | null {
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  const named = offered.find((name) => name.startsWith(TOKEN_PROTOCOL));
  if (named !== undefined) return named.slice(TOKEN_PROTOCOL.length);
  const [, query = ''] = /\?([^#]*)/.exec(url) ?? [];
  return novaToken(new URLSearchParams(query));
}
