// SPDX-License-Identifier: Apache-2.0
// Consoles: what can be connected to, what happened to it, and the end of it.
import { Controller, Inject, Param, Query, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import type { Conf } from '../../conf/index.js';
import { AuditEvents } from '../../objects/audit-event.js';
import { AUDIT } from '../../objects/audit-message.js';
import { ConsoleSessions } from '../../objects/console-session.js';
import { Consoles, type Console } from '../../objects/console.js';
import { wantsHtml } from '../accept.js';
import { Absent } from '../faults.js';
import { CONF } from '../injection-tokens.js';
import { AuditQuery, nextLink, PageQuery, pageRequest } from '../schemas/page.js';
import { QUERY } from '../schemas/schema-pipe.js';
import { viewAuditEvent, viewConsole } from '../views/console.js';

/** `/console` */
@Controller()
export class ConsoleController {
  constructor(
    private readonly consoles: Consoles,
    private readonly sessions: ConsoleSessions,
    private readonly events: AuditEvents,
    @Inject(CONF) private readonly conf: Conf,
  ) {}

  /** All consoles. */
  async list(
    @Query(QUERY) query: PageQuery,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Record<string, unknown>[]> {
    const page = await this.consoles.list(pageRequest(query, this.conf.api.maxLimit));
    if (page.next !== null) response.setHeader('Link', nextLink(request.path, query, page.next));
    return page.items.map(viewConsole);
  }

  /** One console. */
  async show(@Param('source') source: string, @Param('uuid') uuid: string): Promise<Record<string, unknown>> {
    return viewConsole(await this.load(source, uuid));
  }

  /** The newest events of a console's audit trail, oldest first, and how many there are. */
  async audit(
    @Param('source') source: string,
    @Param('uuid') uuid: string,
    @Query(QUERY) query: AuditQuery,
  ): Promise<Record<string, unknown>> {
    await this.load(source, uuid);
    const limit = Math.min(query.limit, this.conf.api.maxLimit);
    const { events, total } = await this.events.list(source, uuid, limit);
    return { audit: events.map(viewAuditEvent), total };
  }

  /** Ends all sessions of a console for good, and makes its unused tokens worthless. */
  async terminate(
    @Param('source') source: string,
    @Param('uuid') uuid: string,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const ended = await this.sessions.terminateConsole(source, uuid, 'console terminated by request');
    const actor = { node: this.conf.default.nodeName, pid: process.pid };
    const message = AUDIT.sessionTerminated;
    await this.events.recordMany(
      ended.sessionIds.map((id) => ({ ...actor, source, uuid, session_id: id, message })),
    );
    if (wantsHtml(request.headers.accept)) response.redirect(302, '/console');
    else response.json({ result: 'ok', tokens: ended.fingerprints });
  }

  private async load(source: string, uuid: string): Promise<Console> {
    const console = await this.consoles.find(source, uuid);
    if (console === null) throw new Absent('console not found');
    return console;
  }
}
