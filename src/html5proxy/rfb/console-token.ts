// SPDX-License-Identifier: Apache-2.0
// From what a VNC client came with, a token of Nova or of Kerbside, to a console token of Kerbside.
import type { TokenExchange } from '../../broker/token-exchange.js';
import { KerbsideException } from '../../exception.js';
import type { Origin } from '../../net/forwarded.js';
import { strangerAt } from '../../objects/requester.js';
import type { Html5Metrics } from '../metrics.js';
import { OWN_TOKEN } from '../own-token.js';

/** What tokens are exchanged with. */
export interface TokenBearer {
  readonly exchange: Pick<TokenExchange, 'open'>;
  readonly metrics: Html5Metrics;
}

/** Nobody takes the token now. */
export class TokenRefused extends KerbsideException {
  constructor(readonly kind: 'limited' | 'not_ready' | 'in_use' | 'unknown') {
    super(`the console token was not exchanged: ${kind}`);
  }
}

/**
 * The console token.
 * @throws TokenRefused
 */
export async function consoleTokenOf(
  token: string,
  { exchange, metrics }: TokenBearer,
  browser: Origin,
): Promise<string> {
  if (OWN_TOKEN.test(token)) return token;
  const opening = await exchange.open(token, strangerAt(browser.address), 'vnc');
  metrics.exchanges.inc({ outcome: opening.kind });
  if (opening.kind !== 'opened') throw new TokenRefused(opening.kind);
  return opening.token;
}
