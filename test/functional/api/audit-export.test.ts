// SPDX-License-Identifier: Apache-2.0
// The audit trail as a file: everything that a search finds, never much of it in memory, for those who may read it.
import { request, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import express from 'express';
import { FileStreams } from '../../../src/api/ui/file-stream.js';
import { AuditEvents } from '../../../src/objects/audit-event.js';
import { anApiSite, type ApiSite } from '../../fixtures/api-site.js';
import { waitFor } from '../../fixtures/program.js';

const MANY = 1201;
const UUID = '00000000-0000-4000-8000-000000000001';
const EVIL = '=HYPERLINK("http://evil.example";"click")';
let site: ApiSite;

beforeAll(async () => {
  site = await anApiSite();
  const events = new AuditEvents(site.db);
  const entries = Array.from({ length: MANY }, (_, n) => ({
    ...{ source: 'lab', uuid: UUID, message: `event ${n}`, timestamp: 1000 + n },
    by: { kind: 'operator', name: EVIL } as const,
  }));
  await events.recordMany([...entries, { source: '', uuid: '', message: EVIL, timestamp: 5000 }]);
});
afterAll(() => site.close());

const time = (seconds: number): string => new Date(seconds * 1000).toISOString();

describe('the audit trail', () => {
  it('as CSV has all that a search finds, the newest first', async () => {
    const { status, headers, text } = await site.call(
      'GET',
      `/ui/audit.csv?instance_uuid=${UUID}&source=lab`,
      {
        token: site.admin,
      },
    );
    expect([status, headers['content-type'], headers['content-disposition']]).toEqual([
      ...[200, 'text/csv; charset=utf-8; header=present', 'attachment; filename="kerbside-audit.csv"'],
    ]);
    const lines = text.split('\r\n');
    expect(lines[0]).toMatch(/^id,created_at,message,source,instance_uuid,/);
    const expected = Array.from({ length: MANY }, (_, n) => `event ${MANY - 1 - n}`);
    expect(lines.slice(1, -1).map((line) => line.split(',')[2])).toEqual(expected);
    expect(lines.at(-1)).toBe('');
  });

  it('as JSON is what the listing of /v1 has, by time as well', async () => {
    const query = `since=${time(1300)}&until=${time(2100)}&requested_by=operator`;
    const { json } = await site.call('GET', `/ui/audit.json?${query}`, { token: site.admin });
    const listed: unknown[] = [];
    for (let marker = ''; ;) {
      const page = await site.call('GET', `/v1/audit-events?${query}&limit=300${marker}`, {
        ...{ token: site.admin, headers: { 'OpenStack-API-Version': 'console latest' } },
      });
      const { audit_events: items } = page.json as { audit_events: { id: number }[] };
      listed.push(...items);
      if (items.length < 300) break;
      marker = `&marker=${items.at(-1)!.id}`;
    }
    expect(listed).toHaveLength(800);
    expect(json).toEqual(listed);
  });

  it('gives a spreadsheet nothing to calculate', async () => {
    const { text } = await site.call('GET', '/ui/audit.csv', { token: site.admin });
    expect(text).toContain(`,"'=HYPERLINK(""http://evil.example"";""click"")",`);
    expect(text).not.toMatch(/(^|,)"?=/m);
  });

  it('that has nothing is an empty file', async () => {
    const [csv, json] = await Promise.all(
      ['csv', 'json'].map((kind) =>
        site.call('GET', `/ui/audit.${kind}?source=nowhere`, { token: site.admin }),
      ),
    );
    expect(csv!.text.split('\r\n')).toHaveLength(2);
    expect(json!.json).toEqual([]);
  });

  it.each([
    ['since=yesterday', 'bad request: since must be a time in ISO 8601, such as 2026-01-31T12:00:00Z'],
    ['requested_by=x', 'bad request: requested_by must be user, operator, notification or service'],
  ])('by %s is refused with a reason', async (query, error) => {
    const { status, json } = await site.call('GET', `/ui/audit.csv?${query}`, { token: site.admin });
    expect([status, json]).toEqual([400, { error, status: 400 }]);
  });

  it('is not for strangers, nor for HEAD', async () => {
    expect((await site.call('GET', '/ui/audit.csv')).status).toBe(401);
    expect((await site.call('HEAD', '/ui/audit.csv', { token: site.admin })).status).toBe(405);
  });

  it('ends where the events go meanwhile that would follow', async () => {
    // The reaper takes the oldest; the one that a page ended with may be among them.
    const opened = await download(site.server.port, '/ui/audit.json?since=1970-01-01T00:00:00Z', site.admin);
    await site.db.execute('DELETE FROM audit_events WHERE timestamp < ?', [1701]);
    const events = JSON.parse(await textOf(opened)) as { message: string }[];
    expect(events[1]?.message).toBe(`event ${MANY - 1}`);
  });
});

describe('a file', () => {
  let server: Server | undefined;
  let made = 0;
  let over = 0;

  /** Serves an endless file. */
  async function serve(patience: number): Promise<number> {
    [made, over] = [0, 0];
    const streams = new FileStreams(patience);
    async function* endless(): AsyncGenerator<string> {
      try {
        for (; ; made += 1) yield Promise.resolve('x'.repeat(65_536));
      } finally {
        over += 1;
      }
    }
    const app = express().get('/', (_, response, next) => {
      streams.send(response, { name: 'file', type: 'text/plain', pieces: endless() }).catch(next);
    });
    app.use(((error, _request, response, next) => {
      if (response.headersSent) {
        next(error);
        return;
      }
      response.status((error as { status: number }).status).send((error as Error).message);
    }) as express.ErrorRequestHandler);
    const listening = app.listen(0, '127.0.0.1');
    server = listening;
    await new Promise((resolve) => listening.once('listening', resolve));
    return (listening.address() as AddressInfo).port;
  }
  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
  });

  it('is made no faster than it is read, and no further once its reader has left', async () => {
    const answer = await download(await serve(60_000), '/');
    let before = -1;
    await waitFor('nothing more to be made', () => {
      const now = made;
      const still = now === before;
      before = now;
      return still;
    });
    // What the sockets of both sides hold, and one piece.
    expect(made).toBeLessThan(400);
    answer.destroy();
    await waitFor('the end of the file', () => over === 1);
  });

  it('is taken from a reader who does not read', async () => {
    const answer = await download(await serve(200), '/');
    await waitFor('the end of the file', () => over === 1);
    answer.destroy();
  });

  it('is one of a few at the same time', async () => {
    const port = await serve(60_000);
    const answers = [];
    for (let n = 0; n < 4; n += 1) answers.push(await download(port, '/'));
    const refused = await download(port, '/');
    expect([refused.statusCode, await textOf(refused)]).toEqual([
      503,
      'too many files are being downloaded; ask again later',
    ]);
    answers[0]?.destroy();
    await waitFor('the end of one', () => over >= 1);
    const next = await waitFor('a place', async () => {
      const answer = await download(port, '/');
      return answer.statusCode === 200 ? answer : (answer.resume(), null);
    });
    for (const answer of [...answers, next]) answer.destroy();
  });
});

/** Begins to download, and reads nothing. */
function download(port: number, path: string, token?: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
    request({ host: '127.0.0.1', port, path, headers, agent: false })
      .once('response', (answer) => resolve(answer.once('error', () => undefined)))
      .once('error', reject)
      .end();
  });
}

async function textOf(answer: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of answer.setEncoding('utf8')) text += String(chunk);
  return text;
}
