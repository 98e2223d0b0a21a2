// SPDX-License-Identifier: Apache-2.0
// The root URL: what the service can do, or where a browser that is logged in is redirected.
import { Controller, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { wantsHtml } from '../accept.js';
import { clientPath } from '../client-view.js';
import { contextOf } from '../request-context.js';

/** `/` */
@Controller()
export class RootController {
  /** The capabilities: the original's answer, member for member. The OpenStack API lists its versions at /v1. */
  show(@Req() request: Request, @Res() response: Response): void {
    if (wantsHtml(request.headers.accept) && contextOf(request).user !== undefined) {
      response.redirect(302, clientPath(request, '/source'));
      return;
    }
    response.json({ capabilities: [], result: 'ok' });
  }
}
