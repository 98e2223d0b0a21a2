// SPDX-License-Identifier: Apache-2.0
// The .vv files of a console: through the proxy with a token of ours, or straight to the hypervisor with its own
// password.
import { Controller, Inject, Param, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import type { Conf } from '../../conf/index.js';
import { NotFound } from '../../exception.js';
import { AuditEvents, type AuditEntry } from '../../objects/audit-event.js';
import { AUDIT, directIssued } from '../../objects/audit-message.js';
import { ConsoleTokens, type MintedToken } from '../../objects/console-token.js';
import { Consoles } from '../../objects/console.js';
import { Sources } from '../../objects/source.js';
import { CaCertificate } from '../ca-certificate.js';
import { Absent } from '../faults.js';
import { CONF } from '../injection-tokens.js';
import { userOf } from '../request-context.js';
import { VIRT_VIEWER_TYPE, virtViewerFile, type VirtViewerFile } from '../views/virt-viewer.js';

/** `/console/proxy/…/console.vv`, `/console/direct/…/console.vv` */
@Controller()
export class ConsoleFileController {
  @Inject(CONF) private readonly conf!: Conf;

  constructor(
    private readonly sources: Sources,
    private readonly consoles: Consoles,
    private readonly tokens: ConsoleTokens,
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
    await this.demandSource(source);
    const console = await this.consoles.find(source, uuid);
    if (console === null) throw new Absent('console not found');

    const ca = await this.ca.pem();
    const { token, sessionId, expires } = await this.mint(source, uuid, userOf(request));
    await this.record({ source, uuid, session_id: sessionId, message: AUDIT.tokenCreated });
    const { publicFqdn, publicInsecurePort, publicSecurePort, hostSubject } = this.conf.spice;
    send(response, {
      host: publicFqdn,
      port: publicInsecurePort,
      tlsPort: publicSecurePort,
      password: token,
      title: `${console.name ?? uuid} via proxy session ID ${sessionId}`,
      ca,
      hostSubject: hostSubject === '' ? undefined : hostSubject,
      validUntil: expires,
    });
  }

  /** A file that leads to the hypervisor itself; it holds the console's own password. */
  async direct(
    @Param('source') source: string,
    @Param('uuid') uuid: string,
    @Req() request: Request,
    @Res() response: Response,
  ): Promise<void> {
    const console = await this.consoles.find(source, uuid);
    if (console === null) throw new Absent('console not found');
    await this.demandSource(source);
    const info = await this.consoles.connectInfo(source, uuid);
    if (info === null) throw new Absent('console not found');

    const ca = info.caCert ?? (await this.ca.pem());
    await this.record({ source, uuid, message: directIssued(userOf(request)) });
    send(response, {
      host: info.hypervisor === '' ? info.hypervisorIp : info.hypervisor,
      port: info.insecurePort ?? undefined,
      tlsPort: info.securePort ?? undefined,
      password: info.ticket,
      title: `${console.name ?? uuid} direct connection`,
      ca,
      hostSubject: info.hostSubject ?? undefined,
    });
  }

  private async record(entry: AuditEntry): Promise<void> {
    await this.events.record({ node: this.conf.default.nodeName, pid: process.pid, ...entry });
  }

  private async demandSource(name: string): Promise<void> {
    const source = await this.sources.find(name);
    if (source === null || source.deleted) throw new Absent('source not found');
  }

  private async mint(source: string, uuid: string, issuedTo: string): Promise<MintedToken> {
    try {
      return await this.tokens.mint({ source, uuid, issuedTo });
    } catch (error) {
      if (error instanceof NotFound) throw new Absent('console not found');
      throw error;
    }
  }
}

function send(response: Response, file: VirtViewerFile): void {
  // As bytes: for a string, Express would rewrite the charset of the media type.
  response.setHeader('Content-Type', VIRT_VIEWER_TYPE);
  response.send(Buffer.from(virtViewerFile(file), 'utf8'));
}
