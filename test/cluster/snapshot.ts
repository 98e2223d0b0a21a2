// SPDX-License-Identifier: Apache-2.0
// What the database says at one moment, and what can be seen without asking it: which channels clients really have,
// which processes really run, what each proxy counts. records.ts compares the two.
import type { ConsoleConnectionRow } from '../../src/db/models/console-connection.js';
import type { ConsoleSessionRow } from '../../src/db/models/console-session.js';
import type { LeaseRow } from '../../src/db/models/lease.js';
import type { ServiceRow } from '../../src/db/models/service.js';
import { CHANNEL } from '../../src/console/spice/constants.js';
import type { Desktop } from './desktop.js';
import type { Site } from './site.js';

/** A session with what belongs to it. */
export interface SessionRecord extends Pick<
  ConsoleSessionRow,
  | 'session_id'
  | 'state'
  | 'generation'
  | 'main_ref'
  | 'closing_since'
  | 'terminated_at'
  | 'closed'
  | 'updated_at'
> {
  /** When its token was revoked; null: it was not. */
  revoked: number | null;
  tokens: number;
  terminations: number;
}

/** The records. */
export interface Records {
  /** Of the database's clock. */
  now: number;
  connections: ConsoleConnectionRow[];
  sessions: SessionRecord[];
  leases: LeaseRow[];
  services: ServiceRow[];
}

/** A channel that a client has. */
export interface LiveChannel {
  sessionId: string;
  channelType: number;
  channelId: number;
  /** The client's own end. */
  address: string;
  port: number;
}

/** A program as the machine sees it. */
export interface LiveProcess {
  node: string;
  binary: string;
  pid: number;
  running: boolean;
  /** Authorized channels that a proxy counts; null for the others and where it does not answer. */
  channels: number | null;
}

/** What is really there. */
export interface Truth {
  channels: LiveChannel[];
  processes: LiveProcess[];
  /** Sessions whose end the API has acknowledged. */
  terminated: readonly string[];
}

/** Reads the records. */
export async function readRecords(site: Site): Promise<Records> {
  const [clock] = await site.rows<{ now: number }>('SELECT UNIX_TIMESTAMP(NOW(6)) + 0e0 AS now');
  return {
    now: clock?.now ?? 0,
    connections: await site.rows('SELECT * FROM {schema}.console_connections ORDER BY id'),
    sessions: await site.rows(
      'SELECT s.session_id, s.state, s.generation, s.main_ref, s.closing_since, s.terminated_at, s.closed, s.updated_at, ' +
        '(SELECT MAX(t.revoked) FROM {schema}.console_tokens t WHERE t.session_id = s.session_id) AS revoked, ' +
        '(SELECT COUNT(*) FROM {schema}.console_tokens t WHERE t.session_id = s.session_id) AS tokens, ' +
        '(SELECT COUNT(*) FROM {schema}.session_terminations d WHERE d.session_id = s.session_id) AS terminations ' +
        'FROM {schema}.console_sessions s',
    ),
    leases: await site.rows('SELECT * FROM {schema}.leases'),
    services: await site.rows('SELECT * FROM {schema}.services'),
  };
}

/** Looks at what is there. */
export async function readTruth(
  site: Site,
  desktops: readonly Desktop[],
  terminated: readonly string[],
): Promise<Truth> {
  const processes = await Promise.all(
    [...site.nodes.values()].map(async (node) => ({
      node: node.name,
      binary: node.binary,
      pid: node.pid,
      running: node.running,
      channels:
        node.role === 'proxy' && node.running
          ? await site.metric(node, 'kerbside_proxy_active_connections').catch(() => null)
          : null,
    })),
  );
  const channels = desktops.flatMap((desktop) =>
    desktop.open.map((channel) => ({
      sessionId: desktop.sessionId,
      channelType: CHANNEL[channel.name as keyof typeof CHANNEL],
      channelId: 0,
      address: channel.socket?.localAddress ?? '',
      port: channel.socket?.localPort ?? 0,
    })),
  );
  return { channels, processes, terminated };
}
