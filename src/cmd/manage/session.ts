// SPDX-License-Identifier: Apache-2.0
// kerbside-manage session: who is connected, and an end to it. The proxies learn of it from the broker, or else from the
// database a moment later.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { NotFound } from '../../exception.js';
import type { Messaging } from '../../messaging/messaging.js';
import type { OpenSession } from '../../objects/channel-types.js';
import { printRows, readFormat } from '../table.js';
import type { Format, Row } from '../table.js';
import { operatorName } from './operator.js';
import { everyPage } from './pages.js';
import { configure, say, withContext } from './run.js';

const REASON = 'terminated by kerbside-manage';
/** How long the command waits for a broker that does not answer. */
const BROKER_WAIT_MS = 1_000;

const COLUMNS = [
  'session_id',
  'source',
  'uuid',
  'name',
  'issued_to',
  'channels',
  'client_ip',
  'nodes',
  'since',
];

function toRow(session: OpenSession, format: Format): Row {
  const since = Math.min(...session.channels.map((channel) => channel.created));
  const of = (pick: (channel: OpenSession['channels'][number]) => string): string =>
    [...new Set(session.channels.map(pick))].sort().join(', ');
  return {
    session_id: session.sessionId,
    source: session.source,
    uuid: session.uuid,
    name: session.name,
    issued_to: session.issuedTo,
    channels: session.channels.length,
    client_ip: of((channel) => channel.clientIp),
    nodes: of((channel) => channel.node),
    since: format === 'json' ? since : new Date(since * 1000).toISOString(),
  };
}

async function listSessions(options: { readonly format: Format }, command: Command): Promise<void> {
  const conf = configure(command);
  const { ConsoleSessions } = await import('../../objects/console-session.js');
  await withContext({ conf }, [ConsoleSessions], async (sessions) => {
    const found = await everyPage((page) => sessions.listOpen(page));
    printRows(
      options.format,
      COLUMNS,
      found.map((session) => toRow(session, options.format)),
    );
  });
}

async function terminateSession(id: string, _options: unknown, command: Command): Promise<void> {
  const conf = configure(command);
  const { ConsoleSessions } = await import('../../objects/console-session.js');
  const { SessionTermination } = await import('../../broker/session-termination.js');
  const { BrokerModule } = await import('../../broker/broker.module.js');
  const { Messaging } = await import('../../messaging/messaging.js');
  const { MessagingModule } = await import('../../messaging/messaging.module.js');
  const imports = [MessagingModule.of('kerbside-manage'), BrokerModule];
  const wanted = [ConsoleSessions, SessionTermination, Messaging] as const;
  await withContext({ conf, imports }, wanted, async (sessions, termination, messaging) => {
    const found = await sessions.find(id);
    const by = { kind: 'operator', name: operatorName(process.env) } as const;
    const ended = found !== null && (await termination.session(id, found, { by, reason: REASON }));
    if (!ended) throw new NotFound(`there is no open session ${id}`);
    say(`session ${id} terminated`);
    await connected(messaging);
  });
}

// A message that is sent before the connection is up would be lost: the proxies poll, but only some seconds later.
async function connected(messaging: Messaging): Promise<void> {
  const end = performance.now() + BROKER_WAIT_MS;
  while (messaging.status().state === 'disconnected' && performance.now() < end) await sleep(20);
}

/** Adds `session list` and `session terminate`. */
export function addSessionCommands(manage: Command): void {
  const session = manage.command('session').description('sessions at consoles').helpCommand(false);
  session
    .command('list')
    .description('list the sessions that have an open channel')
    .option('--format <format>', 'table or json', readFormat, 'table')
    .action(listSessions);
  session
    .command('terminate <id>')
    .description('end a session for good: its channels close, its token is spent')
    .action(terminateSession);
}
