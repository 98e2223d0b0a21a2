// SPDX-License-Identifier: Apache-2.0
// kerbside-manage audit hold, holds, release and sinks: what retention must keep, and how far the sinks are.
import type { Command } from 'commander';
import { NotFound } from '../../exception.js';
import { AUDIT_ACT } from '../../objects/audit-message.js';
import { printRows, readFormat, type Format } from '../table.js';
import { recordAct } from './acts.js';
import { readConsole, type ConsoleName } from './audit-console.js';
import { readTime, showTime } from './audit-times.js';
import { operatorName } from './operator.js';
import { configure, say, withContext } from './run.js';

const COLUMNS = [
  ...['name', 'source', 'uuid', 'session_id', 'period_begin', 'period_end', 'reason', 'held_by', 'created'],
];
const SINK_COLUMNS = ['sink', 'position', 'backlog', 'waiting_since', 'delivered', 'lost', 'updated'];

interface PlaceOptions {
  readonly console?: ConsoleName;
  readonly session?: string;
  readonly from?: number;
  readonly to?: number;
  readonly reason: string;
}

async function place(name: string, options: PlaceOptions, command: Command): Promise<void> {
  const conf = configure(command);
  const { AuditHolds } = await import('../../objects/audit-hold.js');
  const { AuditEvents } = await import('../../objects/audit-event.js');
  await withContext({ conf }, [AuditHolds, AuditEvents], async (holds, events) => {
    const { console, session: sessionId, from, to, reason } = options;
    const by = operatorName(process.env);
    await holds.place(name, { ...console, sessionId, from, to }, { reason, by });
    await recordAct(events, conf, AUDIT_ACT.holdPlaced(name, reason));
    say(`hold ${name} is in force: what it names is not removed`);
  });
}

async function release(name: string, _options: unknown, command: Command): Promise<void> {
  const conf = configure(command);
  const { AuditHolds } = await import('../../objects/audit-hold.js');
  const { AuditEvents } = await import('../../objects/audit-event.js');
  await withContext({ conf }, [AuditHolds, AuditEvents], async (holds, events) => {
    if (!(await holds.release(name))) throw new NotFound(`there is no hold ${name}`);
    await recordAct(events, conf, AUDIT_ACT.holdReleased(name));
    say(`hold ${name} is released: retention may remove what it named`);
  });
}

async function list({ format }: { readonly format: Format }, command: Command): Promise<void> {
  const conf = configure(command);
  const { AuditHolds } = await import('../../objects/audit-hold.js');
  await withContext({ conf }, [AuditHolds], async (holds) => {
    const shown = (time: number | null): number | string | null =>
      time === null || format === 'json' ? time : showTime(time);
    const rows = (await holds.list()).map((hold) => ({
      ...hold,
      period_begin: shown(hold.period_begin),
      period_end: shown(hold.period_end),
      created: shown(hold.created),
    }));
    printRows(format, COLUMNS, rows);
  });
}

async function sinks({ format }: { readonly format: Format }, command: Command): Promise<void> {
  const conf = configure(command);
  const { AuditCursors } = await import('../../objects/audit-cursor.js');
  await withContext({ conf }, [AuditCursors], async (cursors) => {
    const rows = (await cursors.states()).map(({ waitingSince, updated, ...state }) => ({
      ...{ sink: state.sink, position: state.position, backlog: state.backlog },
      waiting_since: waitingSince === null || format === 'json' ? waitingSince : showTime(waitingSince),
      ...{ delivered: state.delivered, lost: state.lost },
      updated: format === 'json' ? updated : showTime(updated),
    }));
    printRows(format, SINK_COLUMNS, rows);
  });
}

/** Adds `audit hold`, `audit holds`, `audit release` and `audit sinks`. */
export function addAuditHoldCommands(audit: Command): void {
  audit
    .command('hold <name>')
    .description('place a legal hold: keep events that fit all that is given from retention')
    .option('--console <console>', 'those of this console: SOURCE/UUID, or its UUID', readConsole)
    .option('--session <id>', 'those of this session')
    .option('--from <time>', 'those from this moment on', readTime)
    .option('--to <time>', 'those up to this moment', readTime)
    .requiredOption('--reason <text>', 'why, for those who come later')
    .action(place);
  audit
    .command('holds')
    .description('list the legal holds')
    .option('--format <format>', 'table or json', readFormat, 'table')
    .action(list);
  audit.command('release <name>').description('end a legal hold').action(release);
  audit
    .command('sinks')
    .description('list where audit events go, and how far that is')
    .option('--format <format>', 'table or json', readFormat, 'table')
    .action(sinks);
}
