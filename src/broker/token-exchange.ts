// SPDX-License-Identifier: Apache-2.0
// From a console token of Nova to one of Kerbside: asks the clouds, makes the session, and leaves a trace in the
// audit. How often a stranger may try is counted here, whichever door they come through.
import type { InstanceNotReady } from '../compute/faults.js';
import { NotFound } from '../exception.js';
import type { AuditEvents } from '../objects/audit-event.js';
import { AUDIT } from '../objects/audit-message.js';
import type { ConsoleTokens, MintedToken } from '../objects/console-token.js';
import type { ExchangeLimit } from './exchange-limit.js';
import type { OpenStackClouds, SourcedConsole } from '../sources/openstack/clouds.js';

/** Who is named as the one that a console token was made for: Nova does not say. */
const ISSUED_TO = 'nova';

/** What came of a token of Nova. */
export type Opening =
  | ({ readonly kind: 'opened'; readonly source: string; readonly uuid: string } & MintedToken)
  /** Too many failed tries from this address; `wait` in whole seconds. */
  | { readonly kind: 'limited'; readonly wait: number }
  | { readonly kind: 'not_ready'; readonly fault: InstanceNotReady }
  /** Nobody knows it; `faults` of the sources that could not say. */
  | { readonly kind: 'unknown'; readonly faults: readonly Error[] };

/** What the exchange works with. */
export interface TokenExchangeParts {
  readonly clouds: Pick<OpenStackClouds, 'exchange'>;
  readonly limit: ExchangeLimit;
  readonly tokens: ConsoleTokens;
  readonly events: AuditEvents;
  /** The name of this node, for audit. */
  readonly node: string;
}

/** Exchanges tokens. */
export class TokenExchange {
  constructor(private readonly parts: TokenExchangeParts) {}

  /**
   * Exchanges a token.
   * @param address of the client, for the count of failed tries
   */
  async open(token: string, address: string): Promise<Opening> {
    const { limit, clouds } = this.parts;
    const wait = await limit.take(address);
    if (wait !== null) return { kind: 'limited', wait };
    const outcome = await clouds.exchange(token);
    if (outcome.kind !== 'found') return outcome;
    await limit.giveBack(address);
    return this.begin(outcome);
  }

  private async begin({ source, console: { uuid } }: SourcedConsole): Promise<Opening> {
    const { tokens, events, node } = this.parts;
    try {
      const minted = await tokens.mint({ source, uuid, issuedTo: ISSUED_TO });
      const message = AUDIT.tokenCreated;
      await events.record({
        ...{ node, pid: process.pid, source, uuid },
        ...{ session_id: minted.sessionId, message },
      });
      return { kind: 'opened', source, uuid, ...minted };
    } catch (error) {
      // The console was removed between the exchange and this.
      if (error instanceof NotFound) return { kind: 'unknown', faults: [] };
      throw error;
    }
  }
}
