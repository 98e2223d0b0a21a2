// SPDX-License-Identifier: Apache-2.0
// Connections whose other end has gone without a word, as after a partition or when a firewall has forgotten them:
// nothing comes back, and nothing says so. The server itself is there for whoever connects anew.
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { openDatabase, type OpenDatabase } from '../../fixtures/open-database.js';
import { databasesOf } from '../../fixtures/database.js';

const POOL = 3;
const STATEMENT_TIMEOUT_MS = 3000;

/** The network between a service and its server. */
class Network {
  private pairs: (readonly [Socket, Socket])[] = [];
  private readonly sockets = new Set<Socket>();
  private readonly server: Server;

  constructor(port: number) {
    this.server = createServer((client) => {
      const onward = connect(port, '127.0.0.1');
      const pair = [client, onward] as const;
      this.pairs.push(pair);
      for (const [from, to] of [pair, [onward, client] as const]) {
        this.sockets.add(from);
        from.on('error', () => undefined);
        from.on('close', () => to.destroy());
        from.pipe(to);
      }
    });
  }

  async open(): Promise<number> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return (this.server.address() as AddressInfo).port;
  }

  /** What is connected now gets no byte through any more; gives how many connections that are. */
  forget(): number {
    const { length } = this.pairs;
    for (const [client, onward] of this.pairs) {
      client.unpipe(onward);
      onward.unpipe(client);
      client.resume();
      onward.resume();
    }
    this.pairs = [];
    return length;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

describe('connections that were lost without a word', () => {
  const databases = databasesOf('mariadb');
  let network: Network;
  let db: OpenDatabase;

  beforeAll(async () => {
    const conf = await databases.empty();
    await (await openDatabase(conf, { sync: true })).close();
    const url = new URL(conf.connection);
    network = new Network(Number(url.port));
    url.port = String(await network.open());
    db = await openDatabase(
      { ...conf, connection: url.href, maxPoolSize: POOL },
      { sync: false, statementTimeout: STATEMENT_TIMEOUT_MS },
    );
  });
  afterAll(async () => {
    await db.close();
    await network.close();
  });

  it('fail one statement each, and the next ones are served by new connections', async () => {
    const all = (): Promise<PromiseSettledResult<unknown>[]> =>
      Promise.allSettled(
        Array.from({ length: 3 * POOL }, () => db.query('SELECT SLEEP(0.05), 1 AS one FROM DUAL')),
      );
    expect((await all()).map(({ status }) => status)).not.toContain('rejected');
    const printed = jest.spyOn(console, 'log');
    expect(network.forget()).toBe(POOL);
    const outcomes = await all();
    const lost = outcomes.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[];
    expect(lost).toHaveLength(POOL);
    for (const { reason } of lost) expect(String(reason)).toContain('did not answer in time');
    expect((await all()).map(({ status }) => status)).not.toContain('rejected');
    // The driver's own words would hold the statement and its values.
    expect(printed).not.toHaveBeenCalled();
    printed.mockRestore();
  });
});
