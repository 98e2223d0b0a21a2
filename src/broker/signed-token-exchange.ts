// SPDX-License-Identifier: Apache-2.0
// From a token that a platform signed to a console token of Kerbside: finds the key among all sources whose platforms sign
// tokens, verifies, and issues one of ours, once. A token whose console is not known stays good.
import type { KeyObject } from 'node:crypto';
import type { Conf } from '../conf/index.js';
import { NotFound, Unavailable } from '../exception.js';
import { ConsoleJwtRefused, keyIdOf, verifyConsoleJwt, type ConsoleJwt } from '../identity/console-jwt.js';
import type { Logger } from '../log.js';
import { signalWithin, unlessAborted } from '../net/deadline.js';
import type { AuditEvents } from '../objects/audit-event.js';
import { signedTokenExchanged, signedTokenRejected } from '../objects/audit-message.js';
import type { MintedToken } from '../objects/console-token.js';
import { ConsoleInUse } from '../objects/console-use.js';
import type { ConsoleIdentity, Consoles } from '../objects/console.js';
import type { UserRequest } from '../objects/requester.js';
import { usedTokenName, type UsedTokens } from '../objects/used-token.js';
import type { SignedTokens } from '../sources/driver.js';
import type { DrivenSource, SourceDrivers } from '../sources/source-drivers.js';
import type { ConsoleIssue } from './console-issue.js';
import type { ExchangeLimit } from './exchange-limit.js';

/** What came of a token. */
export type SignedExchange =
  | ({ readonly kind: 'opened'; readonly source: string; readonly uuid: string } & {
      readonly name: string | null;
    } & MintedToken)
  /** Too many failed tries from this address; `wait` in whole seconds. */
  | { readonly kind: 'limited'; readonly wait: number }
  | { readonly kind: 'refused'; readonly fault: ConsoleJwtRefused }
  /** The token is good, and no source has its console (yet). */
  | { readonly kind: 'no_console' }
  /** Another session has its console; the token stays good. */
  | { readonly kind: 'in_use'; readonly fault: ConsoleInUse }
  /** A source that may have the key, or the console, does not answer. */
  | { readonly kind: 'unavailable'; readonly fault: Error };

/** The records that an exchange reads and writes. */
export class SignedTokenRecords {
  constructor(
    readonly consoles: Pick<Consoles, 'identify'>,
    readonly used: Pick<UsedTokens, 'isUsed' | 'use'>,
    readonly events: Pick<AuditEvents, 'record'>,
  ) {}
}

/** What the exchange works with. */
export interface SignedTokenExchangeParts {
  readonly drivers: Pick<SourceDrivers, 'all'>;
  readonly limit: ExchangeLimit;
  readonly issue: Pick<ConsoleIssue, 'token' | 'demandFree'>;
  readonly records: SignedTokenRecords;
  /** The name of this node, for audit. */
  readonly node: string;
  /** Whom tokens must be made for. */
  readonly audience: string;
  /** Seconds for all sources together, from the question to the answer. */
  readonly timeout: number;
  readonly log: Pick<Logger, 'warning'>;
  /** Milliseconds since 1970; tests replace it. */
  readonly now?: (() => number) | undefined;
}

interface Signer {
  readonly source: string;
  readonly tokens: SignedTokens;
}

interface SignerWithKey extends Signer {
  readonly key: KeyObject;
}

/** A token that has been verified. */
interface Verified {
  readonly jwt: ConsoleJwt;
  /** Every source whose platform signed it: of one cluster there may be several. */
  readonly signers: readonly [SignerWithKey, ...SignerWithKey[]];
}

/** Exchanges signed tokens. */
export class SignedTokenExchange {
  constructor(private readonly parts: SignedTokenExchangeParts) {}

  /**
   * Exchanges a token.
   * @param by whose address the failed tries are counted by
   */
  async open(token: string, by: UserRequest): Promise<SignedExchange> {
    const { limit } = this.parts;
    const address = by.address ?? '';
    const wait = await limit.take(address);
    if (wait !== null) return { kind: 'limited', wait };
    try {
      const opened = await this.exchange(token, by);
      if (opened.kind === 'opened') await limit.giveBack(address);
      return opened;
    } catch (error) {
      if (error instanceof ConsoleJwtRefused) return { kind: 'refused', fault: error };
      if (error instanceof Unavailable) return { kind: 'unavailable', fault: error };
      if (error instanceof ConsoleInUse) return { kind: 'in_use', fault: error };
      throw error;
    }
  }

  private async exchange(token: string, by: UserRequest): Promise<SignedExchange> {
    const verified = await this.verify(token, keyIdOf(token));
    const { jwt, signers } = verified;
    const [first] = signers;
    const { issue } = this.parts;
    const { used } = this.parts.records;
    const name = usedTokenName(first.key, jwt.tokenId);
    if (await used.isUsed(name)) return this.usedBefore(verified, by);
    const found = await this.console(verified);
    if (found === null) {
      await this.record(first, jwt, by, signedTokenRejected(first.tokens.platform, 'console not found'));
      return { kind: 'no_console' };
    }
    const issuedTo = first.tokens.holder(jwt.claims) ?? first.tokens.platform;
    // Before it is used up: a token whose console is in use opens it later.
    await issue.demandFree({ source: found.source, uuid: found.uuid, issuedTo });
    if (!(await used.use(name, jwt.expires))) return this.usedBefore(verified, by);
    const { source, uuid } = found;
    await this.record({ ...first, source }, jwt, by, signedTokenExchanged(first.tokens.platform));
    try {
      const issued = await issue.token({ source, uuid, issuedTo }, by);
      return { kind: 'opened', source, uuid, name: found.name, ...issued };
    } catch (error) {
      // The console was removed between the look-up and this.
      if (error instanceof NotFound) return { kind: 'no_console' };
      throw error;
    }
  }

  private async usedBefore({ jwt, signers: [first] }: Verified, by: UserRequest): Promise<SignedExchange> {
    await this.record(first, jwt, by, signedTokenRejected(first.tokens.platform, 'token already used'));
    return { kind: 'refused', fault: new ConsoleJwtRefused('token already used') };
  }

  // Two clusters may have keys of one id: the signature decides.
  private async verify(token: string, keyId: string): Promise<Verified> {
    const candidates = await this.signersOf(keyId);
    const { audience, now = Date.now } = this.parts;
    let verified: { readonly jwt: ConsoleJwt; readonly first: SignerWithKey } | undefined;
    const others: SignerWithKey[] = [];
    let fault = new ConsoleJwtRefused('unknown signing key');
    for (const candidate of candidates) {
      if (verified !== undefined) {
        if (candidate.key.equals(verified.first.key)) others.push(candidate);
        continue;
      }
      try {
        verified = { jwt: await verifyConsoleJwt(token, candidate.key, audience, now()), first: candidate };
      } catch (error) {
        if (!(error instanceof ConsoleJwtRefused)) throw error;
        fault = error;
        // The right key: what is wrong is said by the token itself.
        if (error.fault !== 'invalid token signature') throw error;
      }
    }
    if (verified === undefined) throw fault;
    return { jwt: verified.jwt, signers: [verified.first, ...others] };
  }

  /** The sources that have a key of this id, by name. @throws Unavailable when none has, and one of them does not answer */
  private async signersOf(keyId: string): Promise<SignerWithKey[]> {
    const { drivers, timeout, log } = this.parts;
    const sources = [...(await drivers.all(({ exchange }) => exchange === 'signed')).values()];
    const signal = signalWithin(timeout * 1000);
    const found: SignerWithKey[] = [];
    const faults: Error[] = [];
    await Promise.all(
      sources.map(async (source) => {
        try {
          const key = await keyOf(source, keyId, signal);
          if (key !== null) found.push(key);
        } catch (error) {
          log.warning('source was not asked for signing keys', {
            source: source.name,
            fault: (error as Error).message,
          });
          faults.push(error as Error);
        }
      }),
    );
    const [fault] = faults;
    if (found.length === 0 && fault !== undefined) throw new Unavailable(fault.message, { cause: fault });
    return found.sort((a, b) => (a.source < b.source ? -1 : 1));
  }

  /** The console of a token among the sources of its cluster; one that is newer than the last discovery is asked for. */
  private async console({ jwt: { uuid }, signers }: Verified): Promise<ConsoleIdentity | null> {
    const known = await this.known(uuid, signers);
    if (known !== null) return known;
    const signal = signalWithin(this.parts.timeout * 1000);
    let fault: Unavailable | null = null;
    for (const { source, tokens } of signers) {
      try {
        const adopted = await unlessAborted(tokens.adopt(uuid, signal), signal);
        if (adopted === null) throw new Unavailable(`source ${source} did not answer in time`);
        if (adopted) return await this.known(uuid, signers);
      } catch (error) {
        if (!(error instanceof Unavailable)) throw error;
        fault = error;
      }
    }
    if (fault !== null) throw fault;
    return null;
  }

  private async known(uuid: string, signers: readonly Signer[]): Promise<ConsoleIdentity | null> {
    for (const { source } of signers) {
      const console = await this.parts.records.consoles.identify(source, uuid);
      if (console?.sourceIsThere === true) return console;
    }
    return null;
  }

  private async record(
    { source, tokens }: Signer,
    { uuid, claims }: ConsoleJwt,
    by: UserRequest,
    message: string,
  ): Promise<void> {
    const { records, node } = this.parts;
    const issued_to = tokens.holder(claims);
    await records.events.record({
      ...{ source, uuid, node, pid: process.pid, message, issued_to, client_ip: by.address, by },
    });
  }
}

/** Whom signed tokens must be made for: the option, without a slash at its end; else the public name. */
export function audienceOf({ shakenfist, spice }: Pick<Conf, 'shakenfist' | 'spice'>): string {
  const given = shakenfist.consoleTokenAudience.replace(/\/+$/, '');
  return given === '' ? `https://${spice.publicFqdn}` : given;
}

async function keyOf(
  { name: source, driver }: DrivenSource,
  keyId: string,
  signal: AbortSignal,
): Promise<SignerWithKey | null> {
  if (driver instanceof Error) throw driver;
  const tokens = driver.signedTokens;
  if (tokens === undefined) return null;
  const key = await tokens.key(keyId, signal);
  return key === null ? null : { source, tokens, key };
}
