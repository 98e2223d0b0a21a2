// SPDX-License-Identifier: Apache-2.0
// The token exchange: the URL that Nova hands to a user, with a console token of Nova in it, becomes a .vv file. The
// token is all that is asked for; whatever else the query holds is ignored.
import { Controller, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { InvalidInput } from '../../exception.js';
import { KeystoneFault } from '../../identity/keystone-fault.js';
import { TokenExchange, type Exchange } from '../../broker/token-exchange.js';
import { ConsoleFiles } from '../console-files.js';
import { answerTokenLink, type ExplainedRefusal } from '../token-link.js';
import { requesterOf } from '../requester.js';
import { NotFound, HttpFault, TooManyRequests } from '../faults.js';

/** `/nova`, `/nova-console.vv` */
@Controller()
export class NovaController {
  constructor(
    private readonly tokens: TokenExchange,
    private readonly files: ConsoleFiles,
  ) {}

  /** Exchanges the token. */
  async exchange(@Req() request: Request, @Res() response: Response): Promise<void> {
    await answerTokenLink(request, response, async (token) => {
      const opening = await this.tokens.open(token, requesterOf(request));
      return opening.kind === 'opened' ? this.files.text({ ...opening, name: null }) : refusalOf(opening);
    });
  }

  /** The same under the name of a file. */
  file(@Req() request: Request, @Res() response: Response): Promise<void> {
    return this.exchange(request, response);
  }
}

const UNKNOWN = (): ExplainedRefusal => ({
  fault: new NotFound('nova token not found'),
  explained: 'unknown',
});

/** A fault of a source hides an unknown token: that source might have known it. */
function refusalOf(outcome: Exclude<Exchange, { kind: 'opened' }>): ExplainedRefusal {
  if (outcome.kind === 'limited') {
    const fault = new TooManyRequests('too many unknown tokens', outcome.wait);
    return { fault, explained: 'limited' };
  }
  if (outcome.kind === 'in_use')
    return { fault: new HttpFault(409, outcome.fault.message), explained: 'console_in_use' };
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
