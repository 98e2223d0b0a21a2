// SPDX-License-Identifier: Apache-2.0
// What is kept and told of sessions that somebody ends, whoever it is.
import { describe, expect, it } from '@jest/globals';
import { SessionTermination, type TerminationDemand } from '../../../src/broker/session-termination.js';
import type { Database } from '../../../src/db/database.js';
import type { Termination } from '../../../src/notifications/own/payloads.js';
import { AuditEvents, type AuditEvent } from '../../../src/objects/audit-event.js';
import { AUDIT } from '../../../src/objects/audit-message.js';
import { sessionNouns, type SessionNouns } from '../../fixtures/session-nouns.js';
import { ConsoleTokens } from '../../../src/objects/console-token.js';
import { Consoles } from '../../../src/objects/console.js';
import { Sources } from '../../../src/objects/source.js';
import { databasesOf } from '../../fixtures/database.js';
import { aConsole } from '../../fixtures/rows.js';

const PLACE = { source: 'lab', uuid: 'one' };
const ANN: TerminationDemand = {
  by: {
    ...{ kind: 'user', name: 'ann', userId: 'u-1', projectId: 'p-1' },
    ...{ requestId: 'req-1', address: '192.0.2.1' },
  },
  reason: 'console terminated by request',
};
const OPERATOR: TerminationDemand = {
  by: { kind: 'operator', name: 'root' },
  reason: 'terminated by kerbside-manage',
};

/** A console with sessions, and what is told of their ends. */
class Site {
  readonly told: Termination[] = [];
  readonly nouns: SessionNouns;
  readonly events: AuditEvents;
  readonly termination: SessionTermination;

  private constructor(readonly db: Database) {
    this.nouns = sessionNouns(db);
    this.events = new AuditEvents(db);
    this.termination = this.with(this.events);
  }

  static async on(db: Database): Promise<Site> {
    await new Sources(db).upsert({ name: 'lab', type: 'static' });
    await new Consoles(db).reconcile('lab', [aConsole({ uuid: 'one' })]);
    return new Site(db);
  }

  with(events: Pick<AuditEvents, 'recordMany'>): SessionTermination {
    const own = { terminated: (termination: Termination): void => void this.told.push(termination) };
    return new SessionTermination({ sessions: this.nouns.sessions, events, own, node: 'node-1' });
  }

  async pending(): Promise<string> {
    const tokens = new ConsoleTokens(this.db, { tokenTtl: 60 });
    return (await tokens.mint({ ...PLACE, issuedTo: 'demo' })).sessionId;
  }

  /** A session whose client has come, from an address and, for another channel, from another. */
  async begun(...addresses: readonly string[]): Promise<string> {
    const tokens = new ConsoleTokens(this.db, { tokenTtl: 60 });
    const { token: ticket, sessionId } = await tokens.mint({ ...PLACE, issuedTo: 'demo' });
    let connectionId = 0;
    for (const [channelId, clientIp] of addresses.entries()) {
      const channelType = connectionId === 0 ? 1 : 2;
      const from = { clientIp, clientPort: 1, node: 'node-1', pid: 1, channelId };
      const grant = await this.nouns.admission.authorize({ ...from, ticket, connectionId, channelType });
      if (grant.kind === 'denied') throw new Error(grant.reason);
      if (connectionId === 0) await this.nouns.channels.establish(sessionId, grant.generation, 7);
      connectionId = grant.proxyConnectionId;
    }
    return sessionId;
  }

  async trail(): Promise<Pick<AuditEvent, 'session_id' | 'node' | 'pid' | 'message'>[]> {
    const { events } = await this.events.list(PLACE.source, PLACE.uuid, 100);
    const ends = events.filter(({ message }) => message === AUDIT.sessionTerminated);
    return ends.map(({ session_id, node, pid, message }) => ({ session_id, node, pid, message }));
  }

  async reason(sessionId: string): Promise<string | undefined> {
    const sql = 'SELECT reason FROM session_terminations WHERE session_id = ?';
    return (await this.db.query<{ reason: string }>(sql, [sessionId]))[0]?.reason;
  }

  /** What the trail says beside the texts. */
  async facts(): Promise<Partial<AuditEvent>[]> {
    const { events } = await this.events.list(PLACE.source, PLACE.uuid, 100);
    const ends = events.filter(({ message }) => message === AUDIT.sessionTerminated);
    return ends.map(({ session_id, issued_to, client_ip, ...rest }) => {
      const { requested_by, request_user, request_user_id, request_id, request_ip } = rest;
      const asked = { requested_by, request_user, request_user_id, request_id, request_ip };
      return { session_id, issued_to, client_ip, ...asked };
    });
  }
}

describe('a termination', () => {
  const databases = databasesOf('sqlite');
  const site = async (): Promise<Site> => Site.on(await databases.fresh());

  it('of one session by an operator ends it, is told and kept; of no session is nothing told', async () => {
    const at = await site();
    const id = await at.pending();
    expect(await at.termination.session(id, PLACE, OPERATOR)).toBe(true);
    expect(await at.termination.session('nobody', PLACE, OPERATOR)).toBe(false);
    expect((await at.nouns.sessions.find(id))?.state).toBe('closing');
    expect(await at.reason(id)).toBe(OPERATOR.reason);
    expect(at.told).toEqual([{ ...PLACE, ...OPERATOR, sessionIds: [id], node: 'node-1' }]);
    expect(await at.trail()).toEqual([
      { session_id: id, node: 'node-1', pid: null, message: AUDIT.sessionTerminated },
    ]);
  });

  it('of a session that is ending already succeeds again, and is told and kept once', async () => {
    const at = await site();
    const id = await at.pending();
    const [first, ...others] = await Promise.all(
      [OPERATOR, ANN, ANN].map((demand) => at.termination.session(id, PLACE, demand)),
    );
    expect([first, ...others]).toEqual([true, true, true]);
    expect(await at.termination.console(PLACE, ANN)).toEqual({ sessionIds: [], fingerprints: [] });
    expect(at.told.flatMap(({ sessionIds }) => sessionIds)).toEqual([id]);
    expect(await at.trail()).toHaveLength(1);
    expect(await at.reason(id)).toBe(OPERATOR.reason);
  });

  it('of a console by a user ends every session of it, and says by which process', async () => {
    const at = await site();
    // The database gives them in no certain order.
    const ids = [await at.pending(), await at.pending()].sort();
    const ended = await at.termination.console(PLACE, ANN);
    expect([...ended.sessionIds].sort()).toEqual(ids);
    expect(ended.fingerprints).toHaveLength(2);
    expect(at.told).toEqual([{ ...PLACE, ...ANN, sessionIds: ended.sessionIds, node: 'node-1' }]);
    const { pid } = process;
    expect(await at.trail()).toEqual(
      ended.sessionIds.map((session_id) => ({
        session_id,
        node: 'node-1',
        pid,
        message: AUDIT.sessionTerminated,
      })),
    );
  });

  it('of a console by several at once ends each session once, and each is told and kept once', async () => {
    const at = await site();
    const ids = [await at.pending(), await at.pending(), await at.pending()].sort();
    const ended = await Promise.all(
      [ANN, OPERATOR, ANN].map((demand) => at.termination.console(PLACE, demand)),
    );
    expect(ended.flatMap(({ sessionIds }) => sessionIds).sort()).toEqual(ids);
    expect(ended.flatMap(({ fingerprints }) => fingerprints)).toHaveLength(3);
    expect(at.told.flatMap(({ sessionIds }) => sessionIds).sort()).toEqual(ids);
    expect((await at.trail()).map(({ session_id }) => session_id).sort()).toEqual(ids);
  });

  it('says whose session it was and where its client came from last, and who asked for the end from where', async () => {
    const at = await site();
    const [first, second] = [await at.begun('198.51.100.1', '198.51.100.2'), await at.pending()];
    await at.termination.session(first, PLACE, ANN);
    await at.termination.session(second, PLACE, OPERATOR);
    expect(await at.facts()).toEqual([
      {
        ...{ session_id: first, issued_to: 'demo', client_ip: '198.51.100.2', requested_by: 'user' },
        ...{ request_user: 'ann', request_user_id: 'u-1', request_id: 'req-1', request_ip: '192.0.2.1' },
      },
      {
        ...{ session_id: second, issued_to: 'demo', client_ip: null, requested_by: 'operator' },
        ...{ request_user: 'root', request_user_id: null, request_id: null, request_ip: null },
      },
    ]);
  });

  it('of a console without sessions leaves no trail', async () => {
    const at = await site();
    expect(await at.termination.console(PLACE, ANN)).toEqual({ sessionIds: [], fingerprints: [] });
    expect(await at.trail()).toEqual([]);
  });

  it('is told even when the audit trail cannot be written: the session is over', async () => {
    const at = await site();
    const id = await at.pending();
    const termination = at.with({ recordMany: () => Promise.reject(new Error('away')) });
    await expect(termination.session(id, PLACE, ANN)).rejects.toThrow('away');
    expect(at.told).toMatchObject([{ sessionIds: [id] }]);
    expect((await at.nouns.sessions.find(id))?.state).toBe('closing');
  });
});
