// SPDX-License-Identifier: Apache-2.0
// Sessions: who is connected to what.
import { Controller, Inject, Param, Query, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { SessionTermination } from '../../broker/session-termination.js';
import type { Conf } from '../../conf/index.js';
import { ConsoleSessions, type SessionSummary } from '../../objects/console-session.js';
import { Consoles } from '../../objects/console.js';
import { wantsHtml } from '../accept.js';
import { clientPath } from '../client-view.js';
import { NotFound } from '../faults.js';
import { CONF } from '../../conf/conf.module.js';
import { NOBODYS, Permission } from '../permission.js';
import { nextLink, PageQuery, pageRequest } from '../schemas/page.js';
import { QUERY } from '../schemas/schema-pipe.js';
import { demandOf } from '../termination-demand.js';
import { viewSessions } from '../views/session.js';

/** `/session` */
@Controller()
export class SessionController {
  constructor(
    private readonly sessions: ConsoleSessions,
    private readonly consoles: Consoles,
    private readonly termination: SessionTermination,
    private readonly permission: Permission,
    @Inject(CONF) private readonly conf: Conf,
  ) {}

  /** The sessions that have an open channel; all, or those of the user's project. */
  async list(
    @Query(QUERY) query: PageQuery,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Record<string, unknown>> {
    const scope = this.permission.scope(request);
    const page = await this.sessions.listOpen(pageRequest(query, this.conf.api.maxLimit), scope);
    if (page.next !== null)
      response.setHeader('Link', nextLink(clientPath(request, request.path), query, page.next));
    return viewSessions(page.items);
  }

  /** Ends a session permanently. */
  async terminate(
    @Param('session') session: string,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const known = await this.sessions.find(session);
    if (known === null) throw new NotFound('session not found');
    await this.demandTerminable(request, known);
    const ended = await this.termination.session(session, known, demandOf(request, 'session'));
    if (!ended) throw new NotFound('session not found');
    if (wantsHtml(request.headers.accept)) response.redirect(302, clientPath(request, '/session'));
    else response.json({ result: 'ok' });
  }

  private async demandTerminable(request: Request, { source, uuid }: SessionSummary): Promise<void> {
    if (this.permission.sees(request) === 'everything') return;
    // A session of a console that is gone belongs to no project any more.
    const owner = (await this.consoles.identify(source, uuid)) ?? NOBODYS;
    this.permission.demand(request, 'kerbside:sessions:show', owner, 'session not found');
  }
}
