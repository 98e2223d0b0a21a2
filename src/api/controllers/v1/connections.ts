// SPDX-License-Identifier: Apache-2.0
// Connections in /v1: the channels of sessions.
import { Controller, Inject, Query, Req } from '@nestjs/common';
import type { Request } from 'express';
import type { Conf } from '../../../conf/index.js';
import { Inventory } from '../../../objects/inventory.js';
import { CONF } from '../../../conf/conf.module.js';
import { ownerOf, Permission } from '../../permission.js';
import { pageRequest } from '../../schemas/page.js';
import { QUERY } from '../../schemas/schema-pipe.js';
import { ConnectionQuery } from '../../schemas/v1.js';
import { viewPage } from '../../views/v1/links.js';
import { viewConnection } from '../../views/v1/session.js';
import { narrowed } from './narrowed.js';

/** `/v1/connections` */
@Controller()
export class V1ConnectionController {
  constructor(
    private readonly inventory: Inventory,
    private readonly permission: Permission,
    @Inject(CONF) private readonly conf: Conf,
  ) {}

  /** Connections, those that ended within the last day too. */
  async list(
    @Query(QUERY) query: ConnectionQuery,
    @Req() request: Request,
  ): Promise<Record<string, unknown>> {
    const scope = this.permission.scope(request);
    const page = await narrowed(query, scope, (filter) =>
      this.inventory.connections(pageRequest(query, this.conf.api.maxLimit), filter),
    );
    return viewPage(request, 'connections', page, (connection) =>
      viewConnection(
        connection,
        this.permission.allows(request, 'kerbside:consoles:show:hypervisor', ownerOf(connection)),
      ),
    );
  }
}
