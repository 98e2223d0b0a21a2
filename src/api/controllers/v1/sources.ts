// SPDX-License-Identifier: Apache-2.0
// Sources in /v1.
import { Controller, Inject, Param, Query, Req } from '@nestjs/common';
import type { Request } from 'express';
import type { Conf } from '../../../conf/index.js';
import { Sources } from '../../../objects/source.js';
import { NotFound } from '../../faults.js';
import { CONF } from '../../../conf/conf.module.js';
import { PageQuery, pageRequest } from '../../schemas/page.js';
import { QUERY } from '../../schemas/schema-pipe.js';
import { baseUrl } from '../../client-view.js';
import { viewPage } from '../../views/v1/links.js';
import { viewSource } from '../../views/v1/source.js';

/** `/v1/sources` */
@Controller()
export class V1SourceController {
  constructor(
    private readonly sources: Sources,
    @Inject(CONF) private readonly conf: Conf,
  ) {}

  /** The sources that are configured. A source belongs to no project. */
  async list(@Query(QUERY) query: PageQuery, @Req() request: Request): Promise<Record<string, unknown>> {
    const page = await this.sources.list(pageRequest(query, this.conf.api.maxLimit));
    const base = baseUrl(request);
    return viewPage(request, 'sources', page, (source) => viewSource(source, base));
  }

  /** One source, also one that is no longer configured. */
  async show(@Param('name') name: string, @Req() request: Request): Promise<Record<string, unknown>> {
    const source = await this.sources.find(name);
    if (source === null) throw new NotFound('source not found');
    return { source: viewSource(source, baseUrl(request)) };
  }
}
