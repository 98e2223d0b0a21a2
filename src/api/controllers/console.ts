// SPDX-License-Identifier: Apache-2.0
// Consoles: what can be connected to, what happened to it, and the end of it.
import { Controller, Inject, Param, Query, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { SessionTermination } from '../../broker/session-termination.js';
import type { Conf } from '../../conf/index.js';
import { AuditEvents } from '../../objects/audit-event.js';
import { Consoles, type Console, type ConsoleIdentity } from '../../objects/console.js';
import { ConsoleSettings } from '../../objects/console-settings.js';
import type { SettledGuestPolicy } from '../../objects/guest-policy-levels.js';
import { wantsHtml } from '../accept.js';
import { clientPath } from '../client-view.js';
import { NotFound } from '../faults.js';
import { CONF } from '../../conf/conf.module.js';
import { AuditQuery, nextLink, PageQuery, pageRequest } from '../schemas/page.js';
import { QUERY } from '../schemas/schema-pipe.js';
import { Permission } from '../permission.js';
import { demandOf } from '../termination-demand.js';
import { viewAuditEvent, viewConsole, withoutHypervisor } from '../views/console.js';

/** `/console` */
@Controller()
export class ConsoleController {
  @Inject(ConsoleSettings) private readonly settings!: ConsoleSettings;

  constructor(
    private readonly consoles: Consoles,
    private readonly termination: SessionTermination,
    private readonly events: AuditEvents,
    private readonly permission: Permission,
    @Inject(CONF) private readonly conf: Conf,
  ) {}

  /** All consoles, or those of the user's project. */
  async list(
    @Query(QUERY) query: PageQuery,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Record<string, unknown>[]> {
    const scope = this.permission.scope(request);
    const page = await this.consoles.list(pageRequest(query, this.conf.api.maxLimit), scope);
    if (page.next !== null)
      response.setHeader('Link', nextLink(clientPath(request, request.path), query, page.next));
    const items = await this.settings.withGuestPolicy(page.items);
    return items.map(({ console, policy }) => this.view(request, console, policy));
  }

  /** One console. */
  async show(
    @Param('source') source: string,
    @Param('uuid') uuid: string,
    @Req() request: Request,
  ): Promise<Record<string, unknown>> {
    const console = await this.consoles.find(source, uuid);
    this.demand(request, console);
    const policy = await this.settings.guestPolicy(source, uuid);
    if (policy === null) throw new NotFound('console not found');
    return this.view(request, console, policy);
  }

  /** The newest events of a console's audit trail, oldest first, and how many there are. */
  async audit(
    @Param('source') source: string,
    @Param('uuid') uuid: string,
    @Query(QUERY) query: AuditQuery,
    @Req() request: Request,
  ): Promise<Record<string, unknown>> {
    await this.load(request, source, uuid);
    const limit = Math.min(query.limit, this.conf.api.maxLimit);
    const { events, total } = await this.events.list(source, uuid, limit);
    return { audit: events.map(viewAuditEvent), total };
  }

  /** Ends all sessions of a console permanently, and revokes its unused tokens. */
  async terminate(
    @Param('source') source: string,
    @Param('uuid') uuid: string,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    await this.demandTerminable(request, source, uuid);
    const ended = await this.termination.console({ source, uuid }, demandOf(request, 'console'));
    if (wantsHtml(request.headers.accept)) response.redirect(302, clientPath(request, '/console'));
    else response.json({ result: 'ok', tokens: ended.fingerprints });
  }

  /** Sessions of a console that has left its source can be ended too, by those who see all projects. */
  private async demandTerminable(request: Request, source: string, uuid: string): Promise<void> {
    if (this.permission.sees(request) === 'everything') return;
    await this.load(request, source, uuid);
  }

  private async load(request: Request, source: string, uuid: string): Promise<void> {
    this.demand(request, await this.consoles.identify(source, uuid));
  }

  private demand<C extends Pick<ConsoleIdentity, 'projectId' | 'accessId'>>(
    request: Request,
    console: C | null,
  ): asserts console is C {
    if (console === null) throw new NotFound('console not found');
    this.permission.demand(request, 'kerbside:consoles:show', console, 'console not found');
  }

  private view(request: Request, console: Console, policy: SettledGuestPolicy): Record<string, unknown> {
    const whole = this.permission.allows(request, 'kerbside:consoles:show:hypervisor', console);
    const view = viewConsole(console, policy);
    return whole ? view : withoutHypervisor(view);
  }
}
