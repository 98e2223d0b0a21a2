// SPDX-License-Identifier: Apache-2.0
// 100,000 consoles and 1,000,000 audit events on both engines, and one more console with 10,000 tokens and 100,000
// events: every statement that a listing, a look-up, an authorization, a poll or the reaper gives is explained by the
// engine, and none may read a whole table or sort. Prints the plans when KERBSIDE_SHOW_PLANS is set.
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Database } from '../../../src/db/database.js';
import type { SqlValue } from '../../../src/db/statements.js';
import { AccessLists } from '../../../src/objects/access.js';
import { AuditChain } from '../../../src/objects/audit-chain.js';
import { AuditCursors } from '../../../src/objects/audit-cursor.js';
import { AuditEvents } from '../../../src/objects/audit-event.js';
import { sessionNouns, type SessionNouns } from '../../fixtures/session-nouns.js';
import type { ChannelGrant } from '../../../src/objects/channel-types.js';
import { ConsoleTokens } from '../../../src/objects/console-token.js';
import { ConsoleUse } from '../../../src/objects/console-use.js';
import { Consoles } from '../../../src/objects/console.js';
import { Inventory } from '../../../src/objects/inventory.js';
import { Overview } from '../../../src/objects/overview.js';
import { reapAuditEvents } from '../../../src/objects/audit-retention.js';
import { reapExpired } from '../../../src/objects/reaper.js';
import { SessionOutcomes } from '../../../src/objects/session-outcome.js';
import { Sources } from '../../../src/objects/source.js';
import { Users } from '../../../src/objects/user.js';
import { sealAll, writeEvents } from '../../fixtures/audit-trail.js';
import { databasesOf, ENGINES, overheard } from '../../fixtures/database.js';
import type { Engine } from '../../fixtures/database.js';

const CONSOLES = 100_000;
const EVENTS = 1_000_000;
const SESSIONS = 20_000;
const SOURCES = 400;
const PROJECTS = 500;
/** The console that is asked for all day long: its tokens, its events, and how many of its sessions are open. */
const BUSY = {
  source: 'source-0123',
  uuid: 'ffffffff-0000-4000-8000-000000000000',
  projectId: 'project-busy',
};
const BUSY_TOKENS = 10_000;
const BUSY_EVENTS = 100_000;
const BUSY_OPEN = 20;
const NOW = 1_800_000_000;
const PAGE = { limit: 100 };
/** What two users see by lists of access: more than half of the consoles, and 1,200, those of a project among them. */
const MANY = { unlisted: true, accessIds: ['list-0', 'list-2'] };
const SOME = { unlisted: false, accessIds: ['list-3'], projectId: 'project-0321' };
const BY_NAME = { key: 'name', descending: false } as const;
const NEWEST = { key: 'created_at', descending: true } as const;
const FILL_MS = 600_000;
/** Events that one statement makes: it has to end in time. */
const PART = 10_000;

interface Statement {
  sql: string;
  parameters: SqlValue[];
}

interface Plan {
  sql: string;
  steps: string[];
}

/** The numbers 1..n as a table with column n. */
function numbers(engine: Engine, n: number): string {
  return engine === 'sqlite'
    ? `(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < ${n}) SELECT n FROM s)`
    : `(SELECT seq AS n FROM seq_1_to_${n})`;
}

async function fill(db: Database, engine: Engine): Promise<void> {
  const concat = (...parts: string[]): string =>
    engine === 'sqlite' ? parts.join(' || ') : `CONCAT(${parts.join(', ')})`;
  const padded = (value: string, width: number): string =>
    engine === 'sqlite' ? `printf('%0${width}d', ${value})` : `LPAD(${value}, ${width}, '0')`;
  const source = (n: string): string => concat("'source-'", padded(`(${n}) % ${SOURCES}`, 4));
  const uuid = (n: string): string => concat("'00000000-0000-4000-8000-'", padded(`(${n})`, 12));
  const from = (n: number): string => `FROM ${numbers(engine, n)} t`;
  await db.execute(
    `INSERT INTO sources (name, type, errored, deleted) SELECT ${source('n')}, 'static', 0, 0 ${from(SOURCES)}`,
  );
  await db.execute(
    'INSERT INTO consoles (source, uuid, discovered, hypervisor, hypervisor_ip, insecure_port, name, instance_state, project_id, access_id) ' +
      `SELECT ${source('n')}, ${uuid('n')}, ${NOW}, 'hv', '192.0.2.1', 5900, ${concat("'desktop-'", 'n')}, 'ACTIVE', ` +
      `${concat("'project-'", padded(`n % ${PROJECTS}`, 4))}, ` +
      `CASE WHEN n % 2 = 0 THEN NULL WHEN n % 100 = 1 THEN 'list-3' ELSE ${concat("'list-'", '(n % 3)')} END ${from(CONSOLES)}`,
  );
  const digest = padded('n', 64);
  for (let part = 0; part < EVENTS; part += PART) {
    await db.execute(
      'INSERT INTO audit_events (source, uuid, timestamp, message, session_id, issued_to, request_user, chain_position, chain_digest) ' +
        `SELECT ${source(`n + ${part % CONSOLES}`)}, ${uuid(`n + ${part % CONSOLES}`)}, ` +
        `${NOW - EVENTS} + n + ${part}, 'Channel created', ` +
        `${concat("'s'", padded(`n % ${SESSIONS}`, 11))}, ${concat("'user-'", '(n % 500)')}, ` +
        `CASE WHEN n % 7 = 0 THEN ${concat("'user-'", '(n % 300)')} END, n + ${part}, ${digest} ${from(PART)}`,
    );
  }
  const id = concat("'s'", padded('n', 11));
  await db.execute(
    'INSERT INTO console_sessions (session_id, source, uuid, state, generation, ended_generation, created, updated_at, ' +
      `closing_since) SELECT ${id}, ${source('n')}, ${uuid('n')}, ` +
      "CASE WHEN n % 10 < 5 THEN 'closed' WHEN n % 10 < 9 THEN 'active' WHEN n % 20 < 10 THEN 'pending' ELSE 'closing' END, " +
      `1, n % 2, ${NOW - SESSIONS} + n, ${NOW - SESSIONS} + n, ${NOW - SESSIONS} + n ${from(SESSIONS)}`,
  );
  await db.execute(
    `INSERT INTO session_terminations (session_id, requested_at) SELECT ${id}, ${NOW - SESSIONS} + n ${from(SESSIONS)}`,
  );
  await db.execute(
    'INSERT INTO console_tokens (token_hash, session_id, source, uuid, issued_to, created, expires) ' +
      `SELECT ${padded('n', 64)}, ${id}, ${source('n')}, ${uuid('n')}, 'alice', ${NOW}, ${NOW - SESSIONS} + n ${from(SESSIONS)}`,
  );
  await db.execute(
    'INSERT INTO console_connections (connection_ref, session_id, generation, node, pid, created, client_ip, client_port, ' +
      `channel_type, channel_id, state, closed) SELECT ${padded('n', 36)}, ${concat("'s'", padded(`n % ${SESSIONS}`, 11))}, ` +
      `1, ${concat("'node-'", 'n % 7')}, n % 40, ${NOW}, '::1', 1, 2, 0, 'x', CASE WHEN n % 8 = 0 THEN NULL ELSE ${NOW} - n END ` +
      from(CONSOLES),
  );
  await fillBusy(db, engine, padded);
  if (engine === 'mariadb') {
    await db.query(
      'ANALYZE TABLE consoles, audit_events, console_sessions, session_terminations, console_tokens, ' +
        'console_connections, sources',
    );
  }
}

/** @param padded the SQL of a number with zeros before it */
async function fillBusy(
  db: Database,
  engine: Engine,
  padded: (value: string, width: number) => string,
): Promise<void> {
  const console = `'${BUSY.source}', '${BUSY.uuid}'`;
  const id = engine === 'sqlite' ? `'b' || ${padded('n', 11)}` : `CONCAT('b', ${padded('n', 11)})`;
  const from = (n: number): string => `FROM ${numbers(engine, n)} t`;
  const open = (then: string, otherwise: string): string =>
    `CASE WHEN n <= ${BUSY_OPEN} THEN ${then} ELSE ${otherwise} END`;
  await db.execute(
    'INSERT INTO consoles (source, uuid, discovered, hypervisor, hypervisor_ip, insecure_port, name, project_id) ' +
      `VALUES (${console}, ${NOW}, 'hv', '192.0.2.1', 5900, 'desktop', '${BUSY.projectId}')`,
  );
  await db.execute(
    'INSERT INTO console_sessions (session_id, source, uuid, state, generation, ended_generation, created, updated_at) ' +
      `SELECT ${id}, ${console}, ${open("'active'", "'pending'")}, ${open('1', '0')}, 0, ${NOW}, ${NOW - SESSIONS} ${from(BUSY_TOKENS)}`,
  );
  await db.execute(
    'INSERT INTO console_tokens (token_hash, session_id, source, uuid, issued_to, created, expires) ' +
      `SELECT ${padded(`n + ${SESSIONS}`, 64)}, ${id}, ${console}, 'alice', ${NOW}, ${NOW + 600} ${from(BUSY_TOKENS)}`,
  );
  await db.execute(
    'INSERT INTO console_connections (connection_ref, session_id, generation, node, pid, created, client_ip, client_port, ' +
      `channel_type, channel_id, state) SELECT ${padded(`n + ${CONSOLES}`, 36)}, ${id}, 1, 'node-1', 99, ${NOW}, '::1', 1, ` +
      `2, 0, 'x' ${from(BUSY_OPEN)}`,
  );
  await db.execute(
    'INSERT INTO audit_events (source, uuid, timestamp, message, chain_position, chain_digest) ' +
      `SELECT ${console}, ${NOW - EVENTS} + n, 'Channel created', ${EVENTS} + n, ${padded('n', 64)} ${from(BUSY_EVENTS)}`,
  );
}

async function explain(db: Database, engine: Engine, { sql, parameters }: Statement): Promise<Plan> {
  if (engine === 'sqlite') {
    const rows = await db.query<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`, parameters);
    return { sql, steps: rows.map(({ detail }) => detail) };
  }
  const rows = await db.query<Record<string, string | number | null>>(`EXPLAIN ${sql}`, parameters);
  const steps = rows.map((row) =>
    `${row['table']} type=${row['type']} key=${row['key']} rows=${row['rows']} ${row['Extra'] ?? ''}`.trim(),
  );
  return { sql, steps };
}

const WHOLE = /^SCAN \S+$|^SCAN \S+ (?!USING)|TEMP B-TREE|type=ALL|Using filesort|Using temporary/;
/** A page from the start walks an index from its start and stops at the limit: the one scan that is none. */
const WALK = /^SCAN \S+ USING (COVERING )?INDEX|type=index/;

/**
 * The names of all sources: some hundred; the parts of a page, of which each has a limit; and their merge. The names are the
 * primary key, and to read that key is to read the table: MariaDB 10 calls it index, MariaDB 11 ALL. And what is bounded: legal
 * holds (h) and the cursors of sinks.
 */
const SMALL =
  /^(o|sources|h|audit_cursors) type=index.*|^(o|h|audit_cursors) type=ALL key=null.*|^SCAN (o|sources|audit_cursors) .*|^SCAN (\(subquery-\d+\)|p|v|h|w)$|^<(union|derived)[\d,.]*> .*/;
/** What one project has, or what lists of access let somebody see who sees few, is sorted. */
const FEW =
  /connections of (a|the busy) project|some consoles seen|search of (consoles|sessions) of a project/;
const SORT = /USE TEMP B-TREE.*|;? ?Using (filesort|temporary)/g;

/**
 * @param few the connections of one project: those of each of its sessions, sorted
 * @param search a part of a name: looked for in one index, in its order, until the page is full
 */
function faultsOf({ sql, steps }: Plan, few: boolean, search: boolean): string[] {
  const mayWalk = (search || !sql.includes('WHERE')) && sql.includes('LIMIT');
  return steps
    .filter((step) => !step.startsWith('null ') && !step.startsWith('SCAN CONSTANT ROW'))
    .map((step) => step.replace(SMALL, ''))
    .map((step) => (few ? step.replace(SORT, '') : step))
    .filter((step) => WHOLE.test(step) || (WALK.test(step) && !mayWalk))
    .map((step) => `${step}  <-  ${sql}`);
}

describe.each(ENGINES)('at scale, %s', (engine) => {
  const databases = databasesOf(engine, { keep: true });
  let db: Database;
  const uuid = '00000000-0000-4000-8000-000000004321';
  const source = 'source-0321';

  let eventInTheMiddle: string;

  beforeAll(async () => {
    db = await databases.fresh();
    await fill(db, engine);
    // MariaDB leaves out numbers between statements.
    const [row] = await db.query<{ id: number }>('SELECT id FROM audit_events WHERE timestamp = ?', [
      NOW - EVENTS / 2,
    ]);
    eventInTheMiddle = String(row?.id);
  }, FILL_MS);

  const cases: [string, (at: Database) => Promise<unknown>][] = [
    ['the first page of consoles', (at) => new Consoles(at).list({ limit: 1000 })],
    [
      'a page of consoles from the middle',
      (at) => new Consoles(at).list({ limit: 1000, marker: `source-0200/${uuid}` }),
    ],
    [
      'the last page of consoles',
      (at) => new Consoles(at).list({ limit: 1000, marker: `source-0399/${uuid}` }),
    ],
    ['one console', (at) => new Consoles(at).find(source, uuid)],
    ["one console's address", (at) => new Consoles(at).connectInfo(source, uuid)],
    ["a console's audit trail", (at) => new AuditEvents(at).list(source, uuid, 20)],
    ['whose a console is', (at) => new Consoles(at).identify(source, uuid)],
    [
      'a link to a console and its token',
      async (at) => {
        const tokens = new ConsoleTokens(at, { tokenTtl: 600, now: () => NOW });
        const { key, sessionId } = await tokens.mintLink({ source, uuid, issuedTo: 'alice' });
        await tokens.redeem(sessionId, key);
      },
    ],
    [
      'what became of a session',
      async (at) => {
        const { token } = await new ConsoleTokens(at, { tokenTtl: 600, now: () => NOW }).mint({
          ...{ source, uuid, issuedTo: 'alice' },
        });
        await new SessionOutcomes(at, {
          ...{ reconnectGrace: 60, concurrentSessions: 'refuse', now: () => NOW },
        }).of(token);
      },
    ],
    [
      'whether the busy console is in use',
      (at) => new ConsoleUse(at, { concurrentSessions: 'auto' }).replaces(BUSY, 'never'),
    ],
    ['who takes the busy console', (at) => takeover(at)],
    ['the consoles of a project that owns the busy one', (at) => consoles(at).list(PAGE, BUSY)],
    ['the busy console with its token count', (at) => consoles(at).find(BUSY.source, BUSY.uuid)],
    ['whose the busy console is', (at) => consoles(at).identify(BUSY.source, BUSY.uuid)],
    ["the busy console's address", (at) => consoles(at).connectInfo(BUSY.source, BUSY.uuid)],
    ["the busy console's audit trail", (at) => new AuditEvents(at).list(BUSY.source, BUSY.uuid, 20)],
    ['a session of the busy console', (at) => wholeSession(at, BUSY)],
    ['/v1: the busy console', (at) => v1(at).console(BUSY.source, BUSY.uuid)],
    ['/v1: the busy console by uuid', (at) => v1(at).consoles(PAGE, { uuid: BUSY.uuid })],
    [
      '/v1: sessions of the busy console',
      (at) => v1(at).sessions({ ...PAGE, marker: 'b00000005000' }, { source: BUSY.source, uuid: BUSY.uuid }),
    ],
    ['/v1: sessions of the busy console by uuid', (at) => v1(at).sessions(PAGE, { uuid: BUSY.uuid })],
    ['/v1: sessions of the busy project', (at) => v1(at).sessions(PAGE, { projectId: BUSY.projectId })],
    ['/v1: connections of the busy project', (at) => v1(at).connections(PAGE, { projectId: BUSY.projectId })],
    [
      '/v1: audit events of the busy console',
      (at) => v1(at).events(PAGE, { source: BUSY.source, uuid: BUSY.uuid }),
    ],
    ['/v1: whether a session is recorded', (at) => v1(at).wasRecorded('no-session')],
    ['/v1: audit events of the busy console by uuid', (at) => v1(at).events(PAGE, { uuid: BUSY.uuid })],
    ['/v1: audit events of the busy project', (at) => v1(at).events(PAGE, { projectId: BUSY.projectId })],
    ['a source', (at) => new Sources(at).find(source)],
    ['the sources', (at) => new Sources(at).list({ limit: 100, marker: source })],
    ['the users', (at) => new Users(at).list({ limit: 100, marker: 'a' })],
    ['the first page of sessions', (at) => nouns(at).sessions.listOpen({ limit: 100 })],
    [
      'a page of sessions from the middle',
      (at) => nouns(at).sessions.listOpen({ limit: 100, marker: 's00000010000' }),
    ],
    ['/v1: consoles of a source', (at) => v1(at).consoles(PAGE, { source })],
    ['/v1: consoles by uuid', (at) => v1(at).consoles(PAGE, { uuid })],
    ['/v1: consoles of a project', (at) => v1(at).consoles(PAGE, { projectId: 'project-0321' })],
    ['/v1: sessions', (at) => v1(at).sessions({ ...PAGE, marker: 's00000010000' }, {})],
    ['/v1: a session', (at) => v1(at).session('s00000010000')],
    ['/v1: sessions of a console', (at) => v1(at).sessions(PAGE, { source, uuid })],
    ['/v1: sessions by uuid', (at) => v1(at).sessions(PAGE, { uuid })],
    ['/v1: sessions of a project', (at) => v1(at).sessions(PAGE, { projectId: 'project-0321' })],
    ['/v1: connections', (at) => v1(at).connections({ ...PAGE, marker: '50000' }, {})],
    ['/v1: connections of a session', (at) => v1(at).connections(PAGE, { sessionId: 's00000010000' })],
    ['/v1: connections of a project', (at) => v1(at).connections(PAGE, { projectId: 'project-0321' })],
    ['/v1: audit events', (at) => v1(at).events(PAGE, {})],
    ['/v1: audit events of a console', (at) => v1(at).events(PAGE, { source, uuid })],
    ['/v1: audit events by uuid', (at) => v1(at).events(PAGE, { uuid })],
    ['/v1: audit events of a project', (at) => v1(at).events(PAGE, { projectId: 'project-0321' })],
    ['/v1: audit events of a session', (at) => v1(at).events(PAGE, { sessionId: 's00000010000' })],
    ['/v1: audit events of a user', (at) => v1(at).events(PAGE, { user: 'user-7' })],
    [
      '/v1: audit events of a user in a project',
      (at) => v1(at).events(PAGE, { user: 'user-7', projectId: 'project-0321' }),
    ],
    [
      '/v1: a search of consoles by name',
      (at) => v1(at).findConsoles({ ...PAGE, marker: `${source}/${uuid}` }, { name: 'none', order: BY_NAME }),
    ],
    [
      '/v1: a search of consoles by state',
      (at) =>
        v1(at).findConsoles({ ...PAGE, marker: `${source}/${uuid}` }, { state: 'ACTIVE', order: BY_NAME }),
    ],
    ['/v1: consoles by name', (at) => v1(at).findConsoles(PAGE, { order: BY_NAME })],
    [
      '/v1: consoles by age',
      (at) => {
        const order = { key: 'created_at', descending: true } as const;
        return v1(at).findConsoles({ ...PAGE, marker: `${source}/${uuid}` }, { order });
      },
    ],
    [
      '/v1: a search of consoles of a project',
      (at) => v1(at).findConsoles(PAGE, { projectId: 'project-0321', order: BY_NAME }),
    ],
    [
      '/v1: sessions by age',
      (at) => v1(at).findSessions({ ...PAGE, marker: 's00000010000' }, { order: NEWEST }),
    ],
    [
      '/v1: a search of sessions by state',
      (at) => v1(at).findSessions({ ...PAGE, marker: 's00000010001' }, { state: 'active', order: NEWEST }),
    ],
    [
      '/v1: a search of sessions by user and name',
      (at) => v1(at).findSessions({ ...PAGE }, { user: 'nobody', name: 'none', order: NEWEST }),
    ],
    [
      '/v1: a search of sessions of a project',
      (at) => v1(at).findSessions(PAGE, { projectId: 'project-0321', order: NEWEST }),
    ],
    [
      '/v1: audit events of a time',
      (at) =>
        v1(at).findEvents(
          { ...PAGE, marker: eventInTheMiddle },
          { since: NOW - 600_000, until: NOW - 400_000 },
        ),
    ],
    [
      '/v1: audit events of operators',
      (at) => v1(at).findEvents({ ...PAGE, marker: eventInTheMiddle }, { requestedBy: 'operator' }),
    ],
    [
      '/v1: audit events of a time in a project',
      (at) => v1(at).findEvents(PAGE, { since: NOW - 5000, projectId: 'project-0321' }),
    ],
    ...[
      { which: 'many consoles', see: MANY },
      { which: 'some consoles', see: SOME },
    ].flatMap(({ which, see }): [string, (at: Database) => Promise<unknown>][] => {
      return [
        [`/console: ${which} seen`, (at) => consoles(at).list(PAGE, { sight: see })],
        [`/session: of ${which} seen`, (at) => nouns(at).sessions.listOpen(PAGE, { sight: see })],
        [
          `/v1: ${which} seen`,
          (at) => v1(at).consoles({ ...PAGE, marker: `${source}/${uuid}` }, { sight: see }),
        ],
        [
          `/v1: ${which} seen, of a project`,
          (at) => v1(at).consoles(PAGE, { sight: see, projectId: 'project-0320' }),
        ],
        [
          `/v1: a search by name among ${which} seen`,
          (at) => v1(at).findConsoles(PAGE, { sight: see, name: 'desktop', order: BY_NAME }),
        ],
        [`/v1: sessions of ${which} seen`, (at) => v1(at).sessions(PAGE, { sight: see })],
        [`/v1: sessions by uuid, of ${which} seen`, (at) => v1(at).sessions(PAGE, { sight: see, uuid })],
        [
          `/v1: a search of sessions by user among ${which} seen`,
          (at) => v1(at).findSessions(PAGE, { sight: see, user: 'alice', order: NEWEST }),
        ],
        [`/v1: connections of ${which} seen`, (at) => v1(at).connections(PAGE, { sight: see })],
        [`/v1: audit events of ${which} seen`, (at) => v1(at).events(PAGE, { sight: see })],
        [
          `/v1: audit events of a user and ${which} seen`,
          (at) => v1(at).events(PAGE, { sight: see, user: 'user-7' }),
        ],
        [
          `/v1: audit events of a time and ${which} seen`,
          (at) => v1(at).findEvents(PAGE, { sight: see, since: NOW - 5000 }),
        ],
        [`the overview of ${which} seen`, (at) => new Overview(at).figuresOf(see)],
      ];
    }),
    ['whether lists of access are used', (at) => new AccessLists(at).areUsed()],
    ['whether lists name groups', (at) => new AccessLists(at).nameGroups()],
    ['what lists say to somebody', (at) => new AccessLists(at).grantsTo(['*', 'user:anna'])],
    ['what a list says', (at) => new AccessLists(at).names('list-1')],
    ['sessions without access', (at) => new AccessLists(at).sessionsWithout(source)],
    ['the groups of users', (at) => new Users(at).members({ ...PAGE, marker: '["a","b"]' })],
    ['whose sessions are', (at) => nouns(at).sessions.usersOf(['s00000010000', 'b00000000001'])],
    ['a session', (at) => nouns(at).sessions.find('s00000010000')],
    [
      'the poll for ended sessions',
      (at) => nouns(at).sessions.sessionsToClose(Date.now() / 1000 - (NOW - 10)),
    ],
    [
      'the poll for what consoles and their sources say',
      (at) => nouns(at).settings.of([{ source, uuid }, BUSY, { source: 'source-0399', uuid: 'none' }]),
    ],
    ['the sweep for ended connections', (at) => nouns(at).sessions.connectionsToClose('node-3')],
    ['a whole session', (at) => wholeSession(at)],
    ['the end of a console', (at) => nouns(at).sessions.terminateConsole(source, uuid, 'x')],
    ['the end of a worker', (at) => nouns(at).channels.closeWorker('node-1', 1)],
    ['the reaper', (at) => reapExpired(at, { reconnectGrace: 60 }, NOW - SESSIONS + 500)],
    ['audit retention by age', (at) => reapAuditEvents(at, { maxAge: EVENTS - 1000 }, NOW)],
    ['the audit chain', (at) => writeEvents(at, 300).then(() => sealAll(at))],
    ['the audit events of a sink', (at) => servedSink(at)],
    ['the audit events that are not sealed', (at) => new AuditChain(at).unsealed()],
    ['the audit events of a period', (at) => exportedPeriod(at)],
  ];

  it.each(cases)(
    'reads no whole table for %s',
    async (name, act) => {
      const statements: Statement[] = [];
      const noted = overheard(db, (sql, parameters) => statements.push({ sql, parameters }));
      const before = performance.now();
      await act(noted);
      const took = performance.now() - before;
      const distinct = [...new Map(statements.map((statement) => [statement.sql, statement])).values()];
      const plans: Plan[] = [];
      for (const statement of distinct) {
        if (/^\(?(SELECT|UPDATE|DELETE)|^INSERT.* FROM consoles /.test(statement.sql))
          plans.push(await explain(db, engine, statement));
      }
      if (process.env['KERBSIDE_SHOW_PLANS'] !== undefined) {
        const shown = plans.map(
          ({ sql, steps }) => `  ${sql.slice(0, 160)}\n${steps.map((step) => `      ${step}`).join('\n')}`,
        );
        process.stdout.write(`\n${engine}: ${name}: ${took.toFixed(1)} ms\n${shown.join('\n')}\n`);
      }
      expect(
        plans.flatMap((plan) =>
          faultsOf(plan, FEW.test(name), /search of .* by|many consoles seen/.test(name)),
        ),
      ).toEqual([]);
    },
    FILL_MS,
  );

  it('counts the tokens of a console in an index alone', async () => {
    const counts: Statement[] = [];
    const noted = overheard(db, (sql, parameters) => {
      if (sql.includes('COUNT(*) AS tokens')) counts.push({ sql, parameters });
    });
    await consoles(noted).find(BUSY.source, BUSY.uuid);
    await consoles(noted).list({ limit: 1000, marker: `source-0122/${uuid}` });
    const plans = await Promise.all(counts.map((count) => explain(db, engine, count)));
    expect(plans).toHaveLength(2);
    const reads = plans.flatMap(({ steps }) => steps).filter((step) => step.includes('console_tokens'));
    for (const step of reads) expect(step).toMatch(/USING COVERING INDEX|Using index(?! condition)/);
  });

  async function servedSink(at: Database): Promise<void> {
    const cursors = new AuditCursors(at);
    const events = await new AuditChain(at).after(EVENTS / 2, 200);
    await cursors.delivered(await cursors.open('jsonl'), events);
    await cursors.states();
  }

  async function exportedPeriod(at: Database): Promise<void> {
    const from = NOW - EVENTS / 2;
    for await (const event of new AuditChain(at).within(from, from + 1000))
      expect(event.timestamp).toBeGreaterThanOrEqual(from);
  }

  function v1(at: Database): Inventory {
    return new Inventory(at);
  }

  function consoles(at: Database): Consoles {
    return new Consoles(at, { now: () => NOW });
  }

  function nouns(at: Database): SessionNouns {
    return sessionNouns(at, { now: () => NOW });
  }

  async function wholeSession(at: Database, of = { source, uuid }): Promise<void> {
    const tokens = new ConsoleTokens(at, { tokenTtl: 600, now: () => NOW });
    const { token, sessionId } = await tokens.mint({ source: of.source, uuid: of.uuid, issuedTo: 'alice' });
    const place = { clientIp: '::1', clientPort: 1, node: 'n', pid: 1, channelId: 0 };
    const main = await nouns(at).admission.authorize({
      ...place,
      ticket: token,
      channelType: 1,
      connectionId: 0,
    });
    if (main.kind === 'denied') throw new Error(main.reason);
    await nouns(at).channels.linked(main.connectionRef);
    await nouns(at).channels.establish(sessionId, main.generation, 5);
    const connectionId = main.proxyConnectionId;
    await nouns(at).admission.authorize({ ...place, ticket: token, channelType: 2, connectionId });
    await nouns(at).channels.closed(main.connectionRef, {
      reason: 'idle',
      bytesUp: 1,
      bytesDown: 1,
      duration: 1,
    });
    await nouns(at).sessions.terminateSession(sessionId, 'x');
  }

  async function takeover(at: Database): Promise<void> {
    const { admission, channels, replacement } = sessionNouns(at, {
      ...{ concurrentSessions: 'replace', now: () => NOW },
    });
    const tokens = new ConsoleTokens(at, { tokenTtl: 600, now: () => NOW });
    const place = { clientIp: '::1', clientPort: 1, node: 'n', pid: 1, channelId: 0 };
    const begun = async (issuedTo: string): Promise<ChannelGrant> => {
      const { token } = await tokens.mint({ source: BUSY.source, uuid: BUSY.uuid, issuedTo });
      const main = await admission.authorize({ ...place, ticket: token, channelType: 1, connectionId: 0 });
      if (main.kind === 'denied') throw new Error(main.reason);
      return main;
    };
    const mains = [await begun('ann'), await begun('bob')];
    const { taken, replaced } = await replacement.takeOver(mains[1]!);
    expect([taken, replaced]).toEqual([true, [{ sessionId: mains[0]!.sessionId, issuedTo: 'ann' }]]);
    expect(await replacement.isAnyOpen(replaced)).toBe(true);
    const end = { reason: 'replaced', bytesUp: 0, bytesDown: 0, duration: 0 } as const;
    for (const { connectionRef } of mains) await channels.closed(connectionRef, end);
  }
});
