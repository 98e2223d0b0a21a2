// SPDX-License-Identifier: Apache-2.0
// The audit trail as a file, for the admin UI: what a search finds, as a stream.
import { Controller, Inject, Query, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { InvalidInput } from '../../exception.js';
import { Inventory, type ListedEvent } from '../../objects/inventory.js';
import type { Page } from '../../objects/page.js';
import { MINORS } from '../microversion.js';
import { Permission } from '../permission.js';
import { QUERY } from '../schemas/schema-pipe.js';
import { EventQuery } from '../schemas/v1.js';
import { FileStreams } from '../ui/file-stream.js';
import { AUDIT_CSV, AUDIT_JSON, type AuditFile } from '../views/audit-file.js';
import { readEvents } from './v1/events.js';

/** Events that are read at once. */
const PAGE = 500;

/** `/ui/audit.csv`, `/ui/audit.json` */
@Controller()
export class AuditExportController {
  constructor(
    private readonly inventory: Inventory,
    private readonly permission: Permission,
    @Inject(FileStreams) private readonly streams: FileStreams,
  ) {}

  /** For spreadsheets. */
  csv(@Query(QUERY) query: EventQuery, @Req() request: Request, @Res() response: Response): Promise<void> {
    return this.send(AUDIT_CSV, query, request, response);
  }

  /** For programs. */
  json(@Query(QUERY) query: EventQuery, @Req() request: Request, @Res() response: Response): Promise<void> {
    return this.send(AUDIT_JSON, query, request, response);
  }

  private send(file: AuditFile, query: EventQuery, request: Request, response: Response): Promise<void> {
    const pieces = this.pieces(file, query, request);
    return this.streams.send(response, { name: `kerbside-audit.${file.kind}`, type: file.type, pieces });
  }

  private async *pieces(file: AuditFile, query: EventQuery, request: Request): AsyncGenerator<string> {
    const scope = this.permission.scope(request);
    let text = file.begin;
    let first = true;
    for (let marker: string | undefined = undefined, more = true; more; text = '') {
      const page: Page<ListedEvent> = await readEvents(this.inventory, query, scope, {
        page: { limit: PAGE, marker },
        minor: MINORS.max,
      }).catch(endOfTrail(first));
      text += file.page(page.items, first);
      first &&= page.items.length === 0;
      marker = page.next ?? undefined;
      more = marker !== undefined;
      yield more ? text : text + file.end;
    }
  }
}

/** The oldest go first: where the event of a marker has meanwhile gone, so have all that would follow. */
function endOfTrail(first: boolean): (error: unknown) => { items: []; next: null } {
  return (error) => {
    if (first || !(error instanceof InvalidInput)) throw error;
    return { items: [], next: null };
  };
}
