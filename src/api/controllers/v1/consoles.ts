// SPDX-License-Identifier: Apache-2.0
// Consoles in /v1: what can be connected to, the end of all sessions at one, and the broker call that opens one.
import { Body, Controller, Inject, Param, Query, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import type { Conf } from '../../../conf/index.js';
import { ConsoleIssue } from '../../../broker/console-issue.js';
import { ConsoleOpening, type FoundConsole } from '../../../broker/console-opening.js';
import { SessionTermination } from '../../../broker/session-termination.js';
import { ConsoleSettings } from '../../../objects/console-settings.js';
import { AccessLists } from '../../../objects/access.js';
import type { ListedName } from '../../../objects/access-list.js';
import { Inventory, type ConsoleOrderKey, type ListedConsole } from '../../../objects/inventory.js';
import { ConsoleFiles, sendConsoleFile } from '../../console-files.js';
import { BadRequest, NotFound } from '../../faults.js';
import { CONF } from '../../../conf/conf.module.js';
import { minorOf } from '../../middleware/microversion.js';
import { ownerOf, Permission } from '../../permission.js';
import { replacingOf } from '../../replacing.js';
import { contextOf, userOf } from '../../request-context.js';
import { requesterOf } from '../../requester.js';
import { pageRequest } from '../../schemas/page.js';
import { BODY, QUERY } from '../../schemas/schema-pipe.js';
import { ConsoleQuery, CreateConsoleBody } from '../../schemas/v1.js';
import { demandOf } from '../../termination-demand.js';
import { viewBrokered } from '../../views/v1/brokered.js';
import {
  ACCESS_SINCE,
  BROWSER_SINCE,
  RECORDED_SINCE,
  viewConsole,
  type ShownParts,
} from '../../views/v1/console.js';
import { browserPage, demandKind } from '../../browser-console.js';
import { OFFERS, type Offers } from '../../ui/offers.js';
import { baseUrl } from '../../client-view.js';
import { viewPage } from '../../views/v1/links.js';
import { narrowed, orderOf, SEARCHES } from './narrowed.js';

const ABSENT = 'console not found';
/** The minor version that `replace` came with. */
const REPLACE = 5;

/** `/v1/consoles` */
@Controller()
export class V1ConsoleController {
  @Inject(CONF) private readonly conf!: Conf;
  @Inject(ConsoleOpening) private readonly opening!: ConsoleOpening;
  @Inject(ConsoleIssue) private readonly issue!: ConsoleIssue;
  @Inject(ConsoleFiles) private readonly files!: ConsoleFiles;
  @Inject(ConsoleSettings) private readonly settings!: ConsoleSettings;
  @Inject(OFFERS) private readonly offers!: Offers;
  @Inject(AccessLists) private readonly lists!: AccessLists;

  constructor(
    private readonly inventory: Inventory,
    private readonly termination: SessionTermination,
    private readonly permission: Permission,
  ) {}

  /** Consoles; since 1.3 they can be searched. */
  async list(@Query(QUERY) query: ConsoleQuery, @Req() request: Request): Promise<Record<string, unknown>> {
    const { 'name~': name, state, sort } = query;
    const searches = minorOf(request) >= SEARCHES && (name ?? state ?? sort) !== undefined;
    const asked = pageRequest(query, this.conf.api.maxLimit);
    const page = await narrowed(query, this.permission.scope(request), (filter) => {
      if (!searches) return this.inventory.consoles(asked, filter);
      const order = orderOf<ConsoleOrderKey>(sort, { key: 'name', descending: false });
      return this.inventory.findConsoles(asked, { ...filter, name, state, order });
    });
    return viewPage(request, 'consoles', page, (console) => this.view(request, console));
  }

  /** One console. */
  async show(
    @Param('source') source: string,
    @Param('uuid') uuid: string,
    @Req() request: Request,
  ): Promise<Record<string, unknown>> {
    const console = await this.load(source, uuid);
    this.permission.demand(request, 'kerbside:consoles:show', ownerOf(console), ABSENT);
    const guestPolicy = await this.settings.guestPolicy(source, uuid);
    if (guestPolicy === null) throw new NotFound(ABSENT);
    const access = await this.accessTold(request, console);
    const asked = minorOf(request) >= RECORDED_SINCE;
    const told = asked ? { recorded: await this.settings.recorded(source, uuid) } : {};
    return { console: this.view(request, console, { access, guestPolicy, ...told }) };
  }

  /** Opens a console as the user who asks: a description with a link, or the .vv file itself. */
  async create(
    @Body(BODY) body: CreateConsoleBody,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    if (body.replace !== undefined && minorOf(request) < REPLACE)
      throw new BadRequest("unknown field 'replace'");
    if (body.type === 'novnc' && minorOf(request) < BROWSER_SINCE)
      throw new BadRequest('type must be spice-direct or spice-html5');
    const found = await this.wanted(body, request);
    const { source, uuid, name } = found;
    demandKind(found.protocol, { type: body.type, minor: minorOf(request), file: wantsFile(request) });
    const principals = this.permission.principals(request, found);
    const replacing = replacingOf(this.permission, request, found, body.replace);
    const issued = { source, uuid, issuedTo: userOf(request), principals, replacing };
    const by = requesterOf(request);
    if (wantsFile(request)) {
      const token = await this.issue.token(issued, by);
      sendConsoleFile(response, await this.files.text({ source, uuid, name, ...token }));
      return;
    }
    const link = await this.issue.link(issued, by);
    const base = baseUrl(request);
    const browserUrl =
      minorOf(request) < BROWSER_SINCE ? null : browserPage(this.offers.browserUrl, { ...found, ...link });
    const console = viewBrokered({ ...found, ...link, browserUrl }, await this.files.address(), base);
    response.location(`${base}/v1/sessions/${link.sessionId}`).json({ console });
  }

  /** Ends all sessions of a console permanently, and revokes its unused tokens. */
  async terminate(
    @Param('source') source: string,
    @Param('uuid') uuid: string,
    @Req() request: Request,
  ): Promise<void> {
    const console = await this.load(source, uuid);
    this.permission.demand(request, 'kerbside:consoles:show', ownerOf(console), ABSENT);
    await this.termination.console({ source, uuid }, demandOf(request, 'console'));
  }

  private async wanted(body: CreateConsoleBody, request: Request): Promise<FoundConsole> {
    const { instance_uuid: uuid, source, type } = body;
    const token = contextOf(request).token?.reveal();
    // One of the same uuid in another source may be the user's.
    const { sight } = this.permission.scopeBy(request, 'kerbside:consoles:show');
    const found = await this.opening.find({ uuid: uuid.toLowerCase(), source, type, token, sight });
    this.permission.demand(request, 'kerbside:consoles:show', found, 'instance not found');
    return found;
  }

  /** Whom the console's list names, for those who may know it. */
  private async accessTold(request: Request, console: ListedConsole): Promise<ListedName[] | null> {
    const { access_id: id } = console;
    if (id === null || minorOf(request) < ACCESS_SINCE) return null;
    const told = this.permission.allows(request, 'kerbside:consoles:show:access', ownerOf(console));
    return told ? this.lists.names(id) : null;
  }

  private view(
    request: Request,
    console: ListedConsole,
    alone: Partial<Pick<ShownParts, 'access' | 'guestPolicy' | 'recorded'>> = {},
  ): Record<string, unknown> {
    const rule = 'kerbside:consoles:show:hypervisor';
    const hypervisor = this.permission.allows(request, rule, ownerOf(console));
    const standing = this.permission.standing(request, console.access_id);
    const shown = { access: null, hypervisor, minor: minorOf(request), standing, ...alone };
    return viewConsole(console, shown, baseUrl(request));
  }

  private async load(source: string, uuid: string): Promise<ListedConsole> {
    const console = await this.inventory.console(source, uuid);
    if (console === null) throw new NotFound(ABSENT);
    return console;
  }
}

function wantsFile(request: Request): boolean {
  return (request.headers.accept ?? '').includes('application/x-virt-viewer');
}
