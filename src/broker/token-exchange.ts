// SPDX-License-Identifier: Apache-2.0
// From a token that a platform handed to a user to a console token of Kerbside: asks all sources whose platforms hand
// out such tokens, and issues one of ours. How often any client may fail is counted here, whichever way they come in.
import { NotFound } from '../exception.js';
import type { Logger } from '../log.js';
import { signalWithin } from '../net/deadline.js';
import { ConsoleInUse } from '../objects/console-use.js';
import type { ConsoleProtocol } from '../objects/console-protocol.js';
import type { MintedToken } from '../objects/console-token.js';
import { InstanceNotReady } from '../objects/instance-fault.js';
import type { UserRequest } from '../objects/requester.js';
import { firstAnswer } from '../sources/first-answer.js';
import type { SourceDrivers } from '../sources/source-drivers.js';
import type { ConsoleIssue } from './console-issue.js';
import type { ExchangeLimit } from './exchange-limit.js';

/** Who is named as the one that a console token was made for: the platform does not say. */
const ISSUED_TO = 'nova';

/** What came of a token. */
export type Exchange =
  | ({ readonly kind: 'opened'; readonly source: string; readonly uuid: string } & MintedToken)
  /** Too many failed tries from this address; `wait` in whole seconds. */
  | { readonly kind: 'limited'; readonly wait: number }
  | { readonly kind: 'not_ready'; readonly fault: InstanceNotReady }
  /** Another session has its console. */
  | { readonly kind: 'in_use'; readonly fault: ConsoleInUse }
  /** No source knows it; `faults` of those that did not answer. */
  | { readonly kind: 'unknown'; readonly faults: readonly Error[] };

/** What the exchange works with. */
export interface TokenExchangeParts {
  readonly drivers: Pick<SourceDrivers, 'all'>;
  readonly limit: ExchangeLimit;
  readonly issue: Pick<ConsoleIssue, 'token'>;
  /** Seconds for all sources together, from the question to the answer. */
  readonly timeout: number;
  readonly log: Pick<Logger, 'warning'>;
}

/** Exchanges tokens. */
export class TokenExchange {
  constructor(private readonly parts: TokenExchangeParts) {}

  /**
   * Exchanges a token.
   * @param by whose address the failed tries are counted by
   * @param protocol what the console speaks that the token is for
   */
  async open(token: string, by: UserRequest, protocol: ConsoleProtocol = 'spice'): Promise<Exchange> {
    const { limit } = this.parts;
    const address = by.address ?? '';
    const wait = await limit.take(address);
    if (wait !== null) return { kind: 'limited', wait };
    const found = await this.find(token, protocol);
    if (found.kind !== 'found') return found;
    await limit.giveBack(address);
    const { source, uuid } = found;
    try {
      const issued = await this.parts.issue.token({ source, uuid, issuedTo: ISSUED_TO }, by);
      return { kind: 'opened', source, uuid, ...issued };
    } catch (error) {
      if (error instanceof ConsoleInUse) return { kind: 'in_use', fault: error };
      // The console was removed between the exchange and this.
      if (error instanceof NotFound) return { kind: 'unknown', faults: [] };
      throw error;
    }
  }

  private async find(
    token: string,
    protocol: ConsoleProtocol,
  ): Promise<
    | { readonly kind: 'found'; readonly source: string; readonly uuid: string }
    | Extract<Exchange, { kind: 'not_ready' | 'unknown' }>
  > {
    const { drivers, timeout, log } = this.parts;
    const asked = await drivers.all(({ exchange }) => exchange === 'asked');
    const answer = await firstAnswer(asked.values(), timeout, log, async ({ tokens }, signal) => {
      const console = await tokens?.resolve(token, protocol, signal);
      return tokens === undefined || !console ? null : { tokens, console };
    });
    if (answer.kind !== 'found') return answer;
    const { source, value } = answer;
    try {
      await value.tokens.adopt(value.console, signalWithin(timeout * 1000));
      return { kind: 'found', source, uuid: value.console.uuid };
    } catch (error) {
      if (error instanceof InstanceNotReady) return { kind: 'not_ready', fault: error };
      throw error;
    }
  }
}
