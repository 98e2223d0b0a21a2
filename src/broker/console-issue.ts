// SPDX-License-Identifier: Apache-2.0
// Gives a user the means to start a session at a console, and leaves a trace of it in the audit. Whether they may is
// decided before this.
import type { AuditEvents } from '../objects/audit-event.js';
import { AUDIT } from '../objects/audit-message.js';
import type { Replacing } from '../objects/concurrent-sessions.js';
import type { ConsoleTokens, MintedLink, MintedToken, MintRequest } from '../objects/console-token.js';
import type { ConsoleUse } from '../objects/console-use.js';
import type { Requester } from '../objects/requester.js';

/** What is issued, and where that is written down. */
export interface ConsoleIssueParts {
  readonly tokens: Pick<ConsoleTokens, 'mint' | 'mintLink'>;
  readonly events: Pick<AuditEvents, 'record'>;
  readonly use: Pick<ConsoleUse, 'replaces'>;
  /** The name of this node, for audit. */
  readonly node: string;
}

/** For whom which console is opened. */
export interface IssueRequest extends Omit<MintRequest, 'replaces'> {
  /** When their session replaces another one; absent: never. */
  readonly replacing?: Replacing;
}

/** Issues tokens and links. */
export class ConsoleIssue {
  constructor(private readonly parts: ConsoleIssueParts) {}

  /**
   * A console token, with a session that it may start.
   * @throws NotFound when the console is gone
   * @throws ConsoleInUse when another session has it
   */
  async token(request: IssueRequest, by: Requester): Promise<MintedToken> {
    const minted = await this.parts.tokens.mint(await this.mintable(request));
    await this.record(request, by, minted.sessionId);
    return minted;
  }

  /** A link under which such a token can be fetched once. @throws NotFound, ConsoleInUse as above */
  async link(request: IssueRequest, by: Requester): Promise<MintedLink> {
    const minted = await this.parts.tokens.mintLink(await this.mintable(request));
    await this.record(request, by, minted.sessionId);
    return minted;
  }

  /** Whether a console may be opened now. @throws ConsoleInUse when another session has it */
  async demandFree(request: IssueRequest): Promise<void> {
    await this.mintable(request);
  }

  private async mintable({ replacing = 'never', ...request }: IssueRequest): Promise<MintRequest> {
    return { ...request, replaces: await this.parts.use.replaces(request, replacing) };
  }

  private async record(
    { source, uuid, issuedTo }: Pick<MintRequest, 'source' | 'uuid' | 'issuedTo'>,
    by: Requester,
    sessionId: string,
  ): Promise<void> {
    const { events, node } = this.parts;
    await events.record({
      ...{ source, uuid, session_id: sessionId, node, pid: process.pid, message: AUDIT.tokenCreated },
      ...{ issued_to: issuedTo, client_ip: by.kind === 'user' ? by.address : null, by },
    });
  }
}
