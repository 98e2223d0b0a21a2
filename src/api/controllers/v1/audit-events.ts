// SPDX-License-Identifier: Apache-2.0
// The audit trail in /v1.
import { Controller, Inject, Query, Req } from '@nestjs/common';
import type { Request } from 'express';
import type { Conf } from '../../../conf/index.js';
import { Inventory } from '../../../objects/inventory.js';
import { CONF } from '../../../conf/conf.module.js';
import { minorOf } from '../../middleware/microversion.js';
import { Permission } from '../../permission.js';
import { pageRequest } from '../../schemas/page.js';
import { QUERY } from '../../schemas/schema-pipe.js';
import { EventQuery } from '../../schemas/v1.js';
import { viewAuditEvent } from '../../views/v1/audit-event.js';
import { viewPage } from '../../views/v1/links.js';
import { readEvents } from './events.js';

/** `/v1/audit-events` */
@Controller()
export class V1AuditEventController {
  constructor(
    private readonly inventory: Inventory,
    private readonly permission: Permission,
    @Inject(CONF) private readonly conf: Conf,
  ) {}

  /** Events, newest first. Those of a session or of a user can be asked for since 1.2, those of a time since 1.3. */
  async list(@Query(QUERY) query: EventQuery, @Req() request: Request): Promise<Record<string, unknown>> {
    const minor = minorOf(request);
    const page = await readEvents(this.inventory, query, this.permission.scope(request), {
      page: pageRequest(query, this.conf.api.maxLimit),
      minor,
    });
    return viewPage(request, 'audit_events', page, (event) => viewAuditEvent(event, minor));
  }
}
