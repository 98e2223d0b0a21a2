// SPDX-License-Identifier: Apache-2.0
// The pages that links to consoles lead to, and the console token that a page is given for what its link holds.
import type { IncomingMessage } from 'node:http';
import type { Exchange, TokenExchange } from '../broker/token-exchange.js';
import { loggerFor } from '../log.js';
import type { NetworkList } from '../net/network-list.js';
import type { ConsoleProtocol } from '../objects/console-protocol.js';
import type { ConsoleTokens } from '../objects/console-token.js';
import { strangerAt } from '../objects/requester.js';
import type { Explained } from '../service/explanation.js';
import { browserOf } from './browser.js';
import type { Html5Metrics } from './metrics.js';
import { novaToken } from './nova-link.js';
import { OWN_TOKEN } from './own-token.js';

const log = loggerFor('kerbside.html5proxy.request');

/** The pages of Nova's links, of all its releases, and what opens there. */
export const CONSOLE_PAGES: ReadonlyMap<string, ConsoleProtocol> = new Map([
  ['/spice_auto.html', 'spice'],
  ['/vnc_auto.html', 'vnc'],
  ['/vnc_lite.html', 'vnc'],
  ['/vnc.html', 'vnc'],
]);

/** What tokens are found by. */
export interface ConsolePagesParts {
  readonly exchange: Pick<TokenExchange, 'open'>;
  readonly tokens: Pick<ConsoleTokens, 'redeem'>;
  readonly metrics: Html5Metrics;
  readonly trusted: NetworkList;
}

/** What a link is good for. */
export type Admitted =
  | { readonly kind: 'token'; readonly token: string }
  /** It holds nothing: the page may have been loaded again. */
  | { readonly kind: 'absent' }
  | {
      readonly kind: 'refused';
      readonly status: number;
      readonly about: Explained;
      /** Seconds to wait. */
      readonly retryAfter?: number;
    };

/** Finds the console token of a link: its own, the one of a link of ours, or one for a token of Nova. */
export async function admit(
  request: IncomingMessage,
  query: URLSearchParams,
  protocol: ConsoleProtocol,
  parts: ConsolePagesParts,
): Promise<Admitted> {
  const [session, key] = [query.get('session'), query.get('key')];
  if (session !== null && key !== null) {
    const token = OWN_TOKEN.test(key) ? await parts.tokens.redeem(session, key) : null;
    return token === null ? { kind: 'refused', status: 404, about: 'unknown' } : { kind: 'token', token };
  }
  // What the page itself was once given in its URL: old bookmarks.
  const password = query.get('password') ?? '';
  if (password !== '') return { kind: 'token', token: password };
  const token = novaToken(query);
  if (token === null) return { kind: 'absent' };
  if (OWN_TOKEN.test(token)) return { kind: 'token', token };
  const opening = await parts.exchange.open(
    token,
    strangerAt(browserOf(request, parts.trusted).address),
    protocol,
  );
  parts.metrics.exchanges.inc({ outcome: opening.kind });
  if (opening.kind !== 'opened') return { kind: 'refused', ...refusalOf(opening) };
  const { source, uuid: console, sessionId } = opening;
  log.info('console token exchanged', { source, console, session: sessionId });
  return { kind: 'token', token: opening.token };
}

/** A fault of a source hides an unknown token: that source might have known it. */
function refusalOf(
  opening: Exclude<Exchange, { kind: 'opened' }>,
): Omit<Extract<Admitted, { kind: 'refused' }>, 'kind'> {
  switch (opening.kind) {
    case 'limited':
      return { status: 429, about: 'limited', retryAfter: opening.wait };
    case 'not_ready': {
      const { why } = opening.fault;
      return why === 'gone' ? { status: 404, about: 'unknown' } : { status: 409, about: why };
    }
    case 'in_use':
      return { status: 409, about: 'console_in_use' };
    case 'unknown':
      return opening.faults.length === 0
        ? { status: 404, about: 'unknown' }
        : { status: 503, about: 'unavailable' };
  }
}
