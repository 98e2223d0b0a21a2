// SPDX-License-Identifier: Apache-2.0
// The .vv files of a console: through the proxy with a token of ours, or straight to the hypervisor with its own
// password.
import { Controller, Inject, Param, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { ConsoleIssue } from '../../broker/console-issue.js';
import type { Conf } from '../../conf/index.js';
import { AuditEvents } from '../../objects/audit-event.js';
import { directIssued } from '../../objects/audit-message.js';
import { Consoles, type ConsoleIdentity } from '../../objects/console.js';
import { ConsoleSettings } from '../../objects/console-settings.js';
import { Sources } from '../../objects/source.js';
import { CaCertificate } from '../../tls/ca-certificate.js';
import { demandSpice } from '../browser-console.js';
import { ConsoleFiles, sendConsoleFile } from '../console-files.js';
import { connectProxyUrl, type ConnectInfo } from '../../objects/connect-info.js';
import { Conflicting, NotFound } from '../faults.js';
import { CONF } from '../../conf/conf.module.js';
import { Permission } from '../permission.js';
import { replacingOf } from '../replacing.js';
import { userOf } from '../request-context.js';
import { requesterOf } from '../requester.js';
import { virtViewerFile } from '../views/virt-viewer.js';

/** `/console/proxy/…/console.vv`, `/console/direct/…/console.vv` */
@Controller()
export class ConsoleFileController {
  @Inject(CONF) private readonly conf!: Conf;
  @Inject(ConsoleFiles) private readonly files!: ConsoleFiles;
  @Inject(Permission) private readonly permission!: Permission;
  @Inject(ConsoleSettings) private readonly settings!: ConsoleSettings;

  constructor(
    private readonly sources: Sources,
    private readonly consoles: Consoles,
    private readonly issue: ConsoleIssue,
    private readonly events: AuditEvents,
    private readonly ca: CaCertificate,
  ) {}

  /** A file that leads through the proxy; it holds a fresh console token. */
  async proxy(
    @Param('source') source: string,
    @Param('uuid') uuid: string,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const console = await this.consoles.identify(source, uuid);
    if (console?.sourceIsThere !== true) throw await this.absence(source, request);
    this.demand(request, console);
    demandSpice(console.protocol);

    const principals = this.permission.principals(request, console);
    const replacing = replacingOf(this.permission, request, console);
    const wanted = { source, uuid, issuedTo: userOf(request), principals, replacing };
    const issued = await this.issue.token(wanted, requesterOf(request));
    sendConsoleFile(response, await this.files.text({ source, uuid, name: console.name, ...issued }));
  }

  /** A file that leads to the hypervisor itself; it holds the console's own password. */
  async direct(
    @Param('source') source: string,
    @Param('uuid') uuid: string,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const console = await this.consoles.identify(source, uuid);
    if (console === null) throw new NotFound('console not found');
    this.demand(request, console);
    if (!console.sourceIsThere) throw await this.absence(source, request);
    demandSpice(console.protocol);
    const info = await this.consoles.connectInfo(source, uuid);
    if (info === null) throw new NotFound('console not found');
    const proxy = connectProxyOf(info);
    const ca = info.caCert ?? (await this.ca.pem());
    await this.recordDirect({ source, uuid }, request);
    const text = virtViewerFile({
      // What Kerbside itself dials.
      host: info.hypervisorIp === '' ? info.hypervisor : info.hypervisorIp,
      port: info.insecurePort ?? undefined,
      tlsPort: info.securePort ?? undefined,
      password: info.ticket,
      title: `${console.name ?? uuid} direct connection`,
      ca,
      hostSubject: info.hostSubject ?? undefined,
      guestPolicy: await this.settings.guestPolicyValues(source, uuid),
      proxy,
    });
    sendConsoleFile(response, text);
  }

  private async recordDirect(console: { source: string; uuid: string }, request: Request): Promise<void> {
    const [user, by] = [userOf(request), requesterOf(request)];
    await this.events.record({
      ...{ ...console, node: this.conf.default.nodeName, pid: process.pid, message: directIssued(user) },
      ...{ issued_to: user, client_ip: by.address, by },
    });
  }

  private demand(request: Request, console: ConsoleIdentity): void {
    this.permission.demand(request, 'kerbside:consoles:show', console, 'console not found');
  }

  /** What is missing, the source or the console. Which sources there are is not for those who may not list them. */
  private async absence(name: string, request: Request): Promise<NotFound> {
    const source = await this.sources.find(name);
    if (source !== null && !source.deleted) return new NotFound('console not found');
    const told = this.permission.allows(request, 'kerbside:sources:show', null);
    return new NotFound(told ? 'source not found' : 'console not found');
  }
}

/** The proxy that a viewer asks for the hypervisor; undefined: it needs none. @throws Conflicting where no viewer gets there */
function connectProxyOf({ route, insecurePort, securePort }: ConnectInfo): string | undefined {
  const dialled = insecurePort !== null || securePort !== null;
  if (dialled && route === undefined) return undefined;
  if (dialled && route?.kind === 'connect_proxy') return connectProxyUrl(route);
  throw new Conflicting(
    'only Kerbside itself can reach this console; ask for a file that leads through the proxy',
  );
}
