// SPDX-License-Identifier: Apache-2.0
// Consoles in /v1: what can be connected to, the end of all sessions at one, and the broker call that opens one.
import { Body, Controller, Inject, Param, Query, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import type { Conf } from '../../../conf/index.js';
import { Inventory, type ListedConsole } from '../../../objects/inventory.js';
import { ConsoleOpening } from '../../console-opening.js';
import { Absent } from '../../faults.js';
import { CONF } from '../../injection-tokens.js';
import { minorOf } from '../../middleware/microversion.js';
import { Permission } from '../../permission.js';
import { pageRequest } from '../../schemas/page.js';
import { BODY, QUERY } from '../../schemas/schema-pipe.js';
import { CreateConsoleBody, InventoryQuery } from '../../schemas/v1.js';
import { SessionTermination } from '../../session-termination.js';
import { viewConsole } from '../../views/v1/console.js';
import { baseUrl } from '../../client-view.js';
import { viewPage } from '../../views/v1/links.js';
import { narrowed } from './narrowed.js';

const ABSENT = 'console not found';

/** `/v1/consoles` */
@Controller()
export class V1ConsoleController {
  @Inject(CONF) private readonly conf!: Conf;

  constructor(
    private readonly inventory: Inventory,
    private readonly termination: SessionTermination,
    private readonly opening: ConsoleOpening,
    private readonly permission: Permission,
  ) {}

  /** Consoles. */
  async list(@Query(QUERY) query: InventoryQuery, @Req() request: Request): Promise<Record<string, unknown>> {
    const scope = this.permission.scope(request);
    const page = await narrowed(query, scope, (filter) =>
      this.inventory.consoles(pageRequest(query, this.conf.api.maxLimit), filter),
    );
    return viewPage(request, 'consoles', page, (console) => this.view(request, console));
  }

  /** One console. */
  async show(
    @Param('source') source: string,
    @Param('uuid') uuid: string,
    @Req() request: Request,
  ): Promise<Record<string, unknown>> {
    const console = await this.load(source, uuid);
    this.permission.demand(request, 'kerbside:consoles:show', console.project_id, ABSENT);
    return { console: this.view(request, console) };
  }

  /** Opens a console as the user who asks: a description with a link, or the .vv file itself. */
  async create(
    @Body(BODY) body: CreateConsoleBody,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    await this.opening.answer(body, request, response);
  }

  /** Ends all sessions of a console for good, and makes its unused tokens worthless. */
  async terminate(
    @Param('source') source: string,
    @Param('uuid') uuid: string,
    @Req() request: Request,
  ): Promise<void> {
    const console = await this.load(source, uuid);
    this.permission.demand(request, 'kerbside:consoles:show', console.project_id, ABSENT);
    await this.termination.console(request, { source, uuid });
  }

  private view(request: Request, console: ListedConsole): Record<string, unknown> {
    const rule = 'kerbside:consoles:show:hypervisor';
    const hypervisor = this.permission.allows(request, rule, console.project_id);
    return viewConsole(console, { hypervisor, minor: minorOf(request) }, baseUrl(request));
  }

  private async load(source: string, uuid: string): Promise<ListedConsole> {
    const console = await this.inventory.console(source, uuid);
    if (console === null) throw new Absent(ABSENT);
    return console;
  }
}
