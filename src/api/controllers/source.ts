// SPDX-License-Identifier: Apache-2.0
// Sources: what the consoles come from.
import { Controller, Inject, Param, Query, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import type { Conf } from '../../conf/index.js';
import { Sources } from '../../objects/source.js';
import { NotFound } from '../faults.js';
import { CONF } from '../../conf/conf.module.js';
import { clientPath } from '../client-view.js';
import { nextLink, PageQuery, pageRequest } from '../schemas/page.js';
import { QUERY } from '../schemas/schema-pipe.js';
import { viewSource } from '../views/source.js';

/** `/source` */
@Controller()
export class SourceController {
  constructor(
    private readonly sources: Sources,
    @Inject(CONF) private readonly conf: Conf,
  ) {}

  /** The sources that are configured. */
  async list(
    @Query(QUERY) query: PageQuery,
    @Req() request: Request,
    @Res({ passthrough: true }) response: Response,
  ): Promise<Record<string, unknown>[]> {
    const page = await this.sources.list(pageRequest(query, this.conf.api.maxLimit));
    if (page.next !== null)
      response.setHeader('Link', nextLink(clientPath(request, request.path), query, page.next));
    return page.items.map(viewSource);
  }

  /** One source, also one that is no longer configured. */
  async show(@Param('name') name: string): Promise<Record<string, unknown>> {
    const source = await this.sources.find(name);
    if (source === null) throw new NotFound('source not found');
    return viewSource(source);
  }
}
