// SPDX-License-Identifier: Apache-2.0
// The exchange of signed tokens: the URL that Shaken Fist hands to a user, with a token that it has signed, becomes a .vv
// file, once. The token is all that is asked for; whatever else the query holds is ignored.
import { Controller, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { SignedTokenExchange, type SignedExchange } from '../../broker/signed-token-exchange.js';
import { ConsoleFiles } from '../console-files.js';
import { answerTokenLink, type ExplainedRefusal } from '../token-link.js';
import { Conflicting, NotFound, ServiceUnavailable, TooManyRequests, Unauthorized } from '../faults.js';
import { requesterOf } from '../requester.js';

/** `/sf-console.vv` */
@Controller()
export class SignedTokenController {
  constructor(
    private readonly tokens: SignedTokenExchange,
    private readonly files: ConsoleFiles,
  ) {}

  /** Exchanges the token. */
  async file(@Req() request: Request, @Res() response: Response): Promise<void> {
    await answerTokenLink(request, response, async (token) => {
      const opening = await this.tokens.open(token, requesterOf(request));
      return opening.kind === 'opened' ? this.files.text(opening) : refusalOf(opening);
    });
  }
}

function refusalOf(outcome: Exclude<SignedExchange, { kind: 'opened' }>): ExplainedRefusal {
  switch (outcome.kind) {
    case 'limited':
      return { fault: new TooManyRequests('too many unknown tokens', outcome.wait), explained: 'limited' };
    case 'refused':
      return { fault: new Unauthorized(outcome.fault.fault), explained: 'unknown' };
    case 'no_console':
      return { fault: new NotFound('console not found'), explained: 'unknown' };
    case 'in_use':
      return { fault: new Conflicting(outcome.fault.message), explained: 'console_in_use' };
    case 'unavailable':
      return { fault: new ServiceUnavailable('the platform does not answer'), explained: 'unavailable' };
  }
}
