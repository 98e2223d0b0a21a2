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
import { AuditEventQuery } from '../../schemas/v1.js';
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

  /** Events, newest first. Those of a session or of a user can be asked for since 1.2. */
  async list(
    @Query(QUERY) query: AuditEventQuery,
    @Req() request: Request,
  ): Promise<Record<string, unknown>> {
    const minor = minorOf(request);
    const which = minor < 2 ? { sessionId: undefined } : { user: query.user };
    const page = await narrowed(query, this.permission.scope(request), (filter) =>
      this.inventory.events(pageRequest(query, this.conf.api.maxLimit), { ...filter, ...which }),
    );
    return viewPage(request, 'audit_events', page, (event) => viewAuditEvent(event, minor));
  }
}
