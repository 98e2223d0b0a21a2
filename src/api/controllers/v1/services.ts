// SPDX-License-Identifier: Apache-2.0
// The services of Kerbside in /v1, since 1.1.
import { Controller, Inject, Query, Req } from '@nestjs/common';
import type { Request } from 'express';
import type { Conf } from '../../../conf/index.js';
import { Inventory } from '../../../objects/inventory.js';
import { CONF } from '../../../conf/conf.module.js';
import { pageRequest } from '../../schemas/page.js';
import { QUERY } from '../../schemas/schema-pipe.js';
import { ServiceQuery } from '../../schemas/v1.js';
import { viewPage } from '../../views/v1/links.js';
import { viewService } from '../../views/v1/service.js';

/** `/v1/services` */
@Controller()
export class V1ServiceController {
  constructor(
    private readonly inventory: Inventory,
    @Inject(CONF) private readonly conf: Conf,
  ) {}

  /** Which programs run on which nodes, and which have gone silent. */
  async list(@Query(QUERY) query: ServiceQuery, @Req() request: Request): Promise<Record<string, unknown>> {
    const { host, binary } = query;
    const downTime = this.conf.default.serviceDownTime;
    const asked = pageRequest(query, this.conf.api.maxLimit);
    return viewPage(
      request,
      'services',
      await this.inventory.services(asked, { host, binary, downTime }),
      viewService,
    );
  }
}
