// SPDX-License-Identifier: Apache-2.0
// The audit trail in /v1.
import { Controller, Inject, Query, Req } from '@nestjs/common';
import type { Request } from 'express';
import type { Conf } from '../../../conf/index.js';
import { Inventory } from '../../../objects/inventory.js';
import { CONF } from '../../../conf/conf.module.js';
import { Permission } from '../../permission.js';
import { pageRequest } from '../../schemas/page.js';
import { QUERY } from '../../schemas/schema-pipe.js';
import { InventoryQuery } from '../../schemas/v1.js';
import { viewAuditEvent } from '../../views/v1/audit-event.js';
import { viewPage } from '../../views/v1/links.js';
import { narrowed } from './narrowed.js';

/** `/v1/audit-events` */
@Controller()
export class V1AuditEventController {
  constructor(
    private readonly inventory: Inventory,
    private readonly permission: Permission,
    @Inject(CONF) private readonly conf: Conf,
  ) {}

  /** Events, newest first. */
  async list(@Query(QUERY) query: InventoryQuery, @Req() request: Request): Promise<Record<string, unknown>> {
    const scope = this.permission.scope(request);
    const page = await narrowed(query, scope, (filter) =>
      this.inventory.events(pageRequest(query, this.conf.api.maxLimit), filter),
    );
    return viewPage(request, 'audit_events', page, viewAuditEvent);
  }
}
