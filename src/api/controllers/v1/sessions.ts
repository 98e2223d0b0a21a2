// SPDX-License-Identifier: Apache-2.0
// Sessions in /v1: who has, or may begin, a session at which console; the end of one; its .vv file, once.
import { Controller, Inject, Param, Query, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { SessionTermination } from '../../../broker/session-termination.js';
import type { Conf } from '../../../conf/index.js';
import { protocolIn } from '../../../objects/console-protocol.js';
import { ConsoleTokens } from '../../../objects/console-token.js';
import { Inventory, type ListedSession, type SessionOrderKey } from '../../../objects/inventory.js';
import { demandSpice } from '../../browser-console.js';
import { ConsoleFiles, sendConsoleFile } from '../../console-files.js';
import { NotFound } from '../../faults.js';
import { CONF } from '../../../conf/conf.module.js';
import { minorOf } from '../../middleware/microversion.js';
import { NOBODYS, ownerOf, Permission, type Owner } from '../../permission.js';
import { pageRequest } from '../../schemas/page.js';
import { QUERY } from '../../schemas/schema-pipe.js';
import { KeyQuery, SessionQuery } from '../../schemas/v1.js';
import { demandOf } from '../../termination-demand.js';
import { baseUrl } from '../../client-view.js';
import { viewPage } from '../../views/v1/links.js';
import { RECORDED_SINCE } from '../../views/v1/console.js';
import { viewSession } from '../../views/v1/session.js';
import { narrowed, orderOf, SEARCHES } from './narrowed.js';

const ABSENT = 'session not found';

/** `/v1/sessions` */
@Controller()
export class V1SessionController {
  @Inject(CONF) private readonly conf!: Conf;
  @Inject(ConsoleFiles) private readonly files!: ConsoleFiles;

  constructor(
    private readonly inventory: Inventory,
    private readonly termination: SessionTermination,
    private readonly tokens: ConsoleTokens,
    private readonly permission: Permission,
  ) {}

  /** Sessions, those that ended within the last day too; since 1.3 they can be searched. */
  async list(@Query(QUERY) query: SessionQuery, @Req() request: Request): Promise<Record<string, unknown>> {
    const { 'name~': name, state, user, sort } = query;
    const searches = minorOf(request) >= SEARCHES && (name ?? state ?? user ?? sort) !== undefined;
    const asked = pageRequest(query, this.conf.api.maxLimit);
    const page = await narrowed(query, this.permission.scope(request), (filter) => {
      if (!searches) return this.inventory.sessions(asked, filter);
      const order = orderOf<SessionOrderKey>(sort, { key: 'created_at', descending: true });
      return this.inventory.findSessions(asked, { ...filter, name, state, user, order });
    });
    const base = baseUrl(request);
    return viewPage(request, 'sessions', page, (session) => viewSession(session, base));
  }

  /** One session. */
  async show(@Param('id') id: string, @Req() request: Request): Promise<Record<string, unknown>> {
    const session = await this.load(id);
    this.permission.demand(request, 'kerbside:sessions:show', ownerOfSession(session), ABSENT);
    const asked = minorOf(request) >= RECORDED_SINCE;
    const recorded = asked ? await this.inventory.wasRecorded(id) : undefined;
    return { session: viewSession(session, baseUrl(request), recorded) };
  }

  /** Ends a session permanently. */
  async terminate(@Param('id') id: string, @Req() request: Request): Promise<void> {
    const session = await this.load(id);
    this.permission.demand(request, 'kerbside:sessions:show', ownerOfSession(session), ABSENT);
    const ended = await this.termination.session(id, session, demandOf(request, 'session'));
    if (!ended) throw new NotFound(ABSENT);
  }

  /** The .vv file of a session, for the key of the link that came with it: once. */
  async file(
    @Param('id') id: string,
    @Query(QUERY) query: KeyQuery,
    @Res() response: Response,
  ): Promise<void> {
    const gone = 'there is no such link, or it was used, or it has expired; ask for the console again';
    const session = await this.inventory.session(id);
    if (session?.state !== 'pending' || session.expires === null) throw new NotFound(gone);
    // Before the key is used up: it stays good for the page of the browser.
    const console = await this.inventory.console(session.source, session.uuid);
    demandSpice(protocolIn(console?.protocol ?? null));
    const token = await this.tokens.redeem(id, query.key);
    if (token === null) throw new NotFound(gone);
    const { source, uuid, name, expires } = session;
    sendConsoleFile(response, await this.files.text({ source, uuid, name, sessionId: id, token, expires }));
  }

  private async load(id: string): Promise<ListedSession> {
    const session = await this.inventory.session(id);
    if (session === null) throw new NotFound(ABSENT);
    return session;
  }
}

function ownerOfSession(session: ListedSession): Owner {
  return session.of_console === null ? NOBODYS : ownerOf(session);
}
