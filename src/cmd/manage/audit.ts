// SPDX-License-Identifier: Apache-2.0
// kerbside-manage audit list: what happened at which console, to whom, from where and by whom; the newest first.
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import type { ListedEvent } from '../../objects/inventory.js';
import { printExport, readExportFormat } from '../table.js';
import type { ExportFormat, Row } from '../table.js';
import { readConsole, type ConsoleName } from './audit-console.js';
import { addAuditHoldCommands } from './audit-hold.js';
import { addAuditProofCommands } from './audit-proof.js';
import { firstOf } from './pages.js';
import { configure, withContext } from './run.js';

interface ListOptions {
  readonly console?: ConsoleName;
  readonly session?: string;
  readonly user?: string;
  readonly limit: number;
  readonly format: ExportFormat;
}

/** Without --limit. */
const USUAL_LIMIT = 100;
const MOST = 1_000_000;
/** What fits on a wide terminal; the other formats have all. */
const TABLE = [
  ...['timestamp', 'source', 'uuid', 'session_id', 'channel', 'issued_to', 'client_ip'],
  ...['requested_by', 'request_user', 'message'],
];
const ALL = [
  ...['id', 'timestamp', 'source', 'uuid', 'session_id', 'channel', 'node', 'pid', 'service'],
  ...[
    'issued_to',
    'client_ip',
    'requested_by',
    'request_user',
    'request_user_id',
    'request_id',
    'request_ip',
  ],
  ...['project_id', 'message'],
];

function toRow(event: ListedEvent, format: ExportFormat): Row {
  if (format === 'json') return { ...event };
  return { ...event, timestamp: new Date(event.timestamp * 1000).toISOString() };
}

async function list(options: ListOptions, command: Command): Promise<void> {
  const conf = configure(command);
  const { console, session: sessionId, user, limit, format } = options;
  const { Inventory } = await import('../../objects/inventory.js');
  await withContext({ conf }, [Inventory], async (inventory) => {
    const events = await firstOf(limit, (page) => inventory.events(page, { ...console, sessionId, user }));
    const columns = format === 'table' ? TABLE : ALL;
    printExport(
      format,
      columns,
      events.map((event) => toRow(event, format)),
    );
  });
}

function readLimit(text: string): number {
  const limit = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= MOST) return limit;
  throw new InvalidArgumentError(`Give a number from 1 to ${MOST}.`);
}

/** Adds `audit list`, and what audit-proof.ts and audit-hold.ts have. */
export function addAuditCommands(manage: Command): void {
  const audit = manage.command('audit').description('the audit trail').helpCommand(false);
  audit
    .command('list')
    .description('list the newest events: what happened at which console, to whom, from where, and by whom')
    .option('--console <console>', 'only those of this console: SOURCE/UUID, or its UUID', readConsole)
    .option('--session <id>', 'only those of this session')
    .option('--user <name>', 'only those of the sessions of this user, and what this user has asked for')
    .option('--limit <number>', 'at most so many', readLimit, USUAL_LIMIT)
    .option('--format <format>', 'table, json or csv', readExportFormat, 'table')
    .action(list);
  addAuditProofCommands(audit);
  addAuditHoldCommands(audit);
}
