// SPDX-License-Identifier: Apache-2.0
// The token exchange: the URL that Nova hands to a user, with a console token of Nova in it, becomes a .vv file. The
// token is all that is asked for; whatever else the query holds is ignored.
import { Controller, Inject, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import type { Conf } from '../../conf/index.js';
import { InvalidInput, NotFound } from '../../exception.js';
import { KeystoneFault } from '../../identity/keystone-fault.js';
import { AuditEvents } from '../../objects/audit-event.js';
import { AUDIT } from '../../objects/audit-message.js';
import { ConsoleTokens } from '../../objects/console-token.js';
import { OpenStackClouds, type Exchange, type SourcedConsole } from '../../sources/openstack-clouds.js';
import { clientAddress } from '../client-address.js';
import { ConsoleFiles, sendConsoleFile } from '../console-files.js';
import { ExchangeLimit } from '../exchange-limit.js';
import { Absent, HttpFault, TooManyRequests, Unauthorized } from '../faults.js';
import { CONF } from '../injection-tokens.js';
import { explanation, EXPLANATION_TYPE, type Explained } from '../views/explanation.js';

/** Who is named as the one that a console token was made for: Nova does not say. */
const ISSUED_TO = 'nova';
const FILE_NAME = 'attachment; filename="console.vv"';

/** A refusal, and what a browser's user reads of it. */
interface Refusal {
  readonly fault: HttpFault;
  readonly explained: Explained;
}

/** `/nova`, `/nova-console.vv` */
@Controller()
export class NovaController {
  @Inject(CONF) private readonly conf!: Conf;

  constructor(
    private readonly clouds: OpenStackClouds,
    private readonly limit: ExchangeLimit,
    private readonly tokens: ConsoleTokens,
    private readonly events: AuditEvents,
    private readonly files: ConsoleFiles,
  ) {}

  /** Exchanges the token. */
  async exchange(@Req() request: Request, @Res() response: Response): Promise<void> {
    const refusal = await this.serve(request, response);
    if (refusal === null) return;
    const { fault, explained } = refusal;
    if (!isBrowser(request)) throw fault;
    response.status(fault.status).set(fault.headers).set('Content-Type', EXPLANATION_TYPE);
    response.send(Buffer.from(explanation(explained), 'utf8'));
  }

  /** The same under the name of a file. */
  file(@Req() request: Request, @Res() response: Response): Promise<void> {
    return this.exchange(request, response);
  }

  private async serve(request: Request, response: Response): Promise<Refusal | null> {
    const token = tokenOf(request);
    if (token === null) return { fault: new Unauthorized('token absent'), explained: 'absent' };
    const address = clientAddress(request);
    const wait = await this.limit.take(address);
    if (wait !== null)
      return { fault: new TooManyRequests('too many unknown tokens', wait), explained: 'limited' };
    const outcome = await this.clouds.exchange(token);
    if (outcome.kind !== 'found') return refusalOf(outcome);
    await this.limit.giveBack(address);
    return this.hand(outcome, response);
  }

  private async hand({ source, console }: SourcedConsole, response: Response): Promise<Refusal | null> {
    const { uuid } = console;
    const minted = await this.mint(source, uuid);
    if (minted === null) return UNKNOWN();
    const { token, sessionId, expires } = minted;
    const { nodeName: node } = this.conf.default;
    const message = AUDIT.tokenCreated;
    await this.events.record({ node, pid: process.pid, source, uuid, session_id: sessionId, message });
    response.setHeader('Content-Disposition', FILE_NAME);
    sendConsoleFile(response, await this.files.text({ uuid, name: null, token, sessionId, expires }));
    return null;
  }

  // null: the console was removed between the exchange and this.
  private async mint(
    source: string,
    uuid: string,
  ): Promise<Awaited<ReturnType<ConsoleTokens['mint']>> | null> {
    try {
      return await this.tokens.mint({ source, uuid, issuedTo: ISSUED_TO });
    } catch (error) {
      if (error instanceof NotFound) return null;
      throw error;
    }
  }
}

const UNKNOWN = (): Refusal => ({ fault: new Absent('nova token not found'), explained: 'unknown' });

/** A fault of a source hides an unknown token: that source might have known it. */
function refusalOf(outcome: Exclude<Exchange, { kind: 'found' }>): Refusal {
  if (outcome.kind === 'not_ready') {
    const { why, message } = outcome.fault;
    return why === 'gone' ? UNKNOWN() : { fault: new HttpFault(409, message), explained: why };
  }
  const [fault] = outcome.faults;
  return fault === undefined
    ? UNKNOWN()
    : { fault: new HttpFault(500, faultText(fault)), explained: 'unavailable' };
}

/** The original's words for what is wrong behind it. */
function faultText(fault: Error): string {
  if (fault instanceof InvalidInput) return 'Source configuration error';
  if (fault instanceof KeystoneFault)
    return fault.kind === 'tls' ? 'Keystone SSL error' : 'Keystone setup failure';
  return 'OpenStack client setup failure';
}

function tokenOf(request: Request): string | null {
  const given = new URL(request.originalUrl, 'http://localhost').searchParams.get('token');
  return given === null || given === '' ? null : given;
}

/** A program says what it wants, or nothing at all. */
function isBrowser(request: Request): boolean {
  return request.headers.accept?.includes('text/html') === true;
}
