// SPDX-License-Identifier: Apache-2.0
// The metrics of a process: all of its parts, behind one listener.
import { afterEach, describe, expect, it } from '@jest/globals';
import { ProxyMetrics } from '../../../src/console/control/metrics.js';
import { StartupError } from '../../../src/exception.js';
import { ProcessMetrics, type MetricsServer } from '../../../src/service/metrics.js';
import { Readiness } from '../../../src/service/readiness.js';

const DATABASE = { ping: () => Promise.resolve() };
const servers: MetricsServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map(async (server) => server.close()));
});

async function served(
  metrics = new ProcessMetrics(),
  port = 0,
  readiness = new Readiness(DATABASE),
): Promise<MetricsServer> {
  const server = await metrics.serve({ address: '127.0.0.1', port, option: 'port' }, readiness);
  servers.push(server);
  return server;
}

describe('the metrics of a process', () => {
  it('say what runs, and what its parts say', async () => {
    const metrics = new ProcessMetrics();
    metrics.add(new ProxyMetrics());
    const remove = metrics.add({ text: () => Promise.resolve('one_more 1\n') });
    expect(await metrics.text()).toContain('kerbside_build_info{version="');
    expect(await metrics.text()).toContain('kerbside_proxy_connections_total 0');
    expect(await metrics.text()).toContain('\none_more 1\n');
    remove();
    expect(await metrics.text()).not.toContain('one_more');
  });

  it('are well formed: every line is a comment or a sample', async () => {
    const metrics = new ProcessMetrics();
    metrics.add(new ProxyMetrics());
    const lines = (await metrics.text()).split('\n').filter((line) => line !== '');
    for (const line of lines) expect(line).toMatch(/^(# (HELP|TYPE) \S+ .*|[a-z_]+(\{.*\})? \S+)$/);
  });

  it('are served once', async () => {
    const metrics = new ProcessMetrics();
    expect(metrics.served).toBe(false);
    const server = await served(metrics);
    expect(metrics.served).toBe(true);
    await server.close();
    servers.length = 0;
    expect(metrics.served).toBe(false);
  });
});

describe('their listener', () => {
  it('serves GET /metrics, and nothing that it does not know', async () => {
    const { port } = await served();
    const url = `http://127.0.0.1:${String(port)}`;
    const answer = await fetch(`${url}/metrics`);
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await answer.text()).toContain('kerbside_build_info');
    expect((await fetch(`${url}/`)).status).toBe(404);
    expect((await fetch(`${url}/metrics`, { method: 'POST' })).status).toBe(404);
  });

  it('tells load balancers whether the process is ready', async () => {
    const readiness = new Readiness(DATABASE, { starting: true });
    const { port } = await served(new ProcessMetrics(), 0, readiness);
    const ask = async (path: string): Promise<[number, unknown]> => {
      const answer = await fetch(`http://127.0.0.1:${String(port)}${path}`);
      return [answer.status, await answer.json()];
    };
    expect(await ask('/healthcheck')).toEqual([503, { error: 'this service is starting', status: 503 }]);
    readiness.setStarted();
    expect(await ask('/healthcheck')).toEqual([200, { result: 'ok' }]);
    readiness.setDraining();
    expect(await ask('/healthcheck')).toEqual([503, { error: 'this service is shutting down', status: 503 }]);
    expect(await ask('/healthcheck/live')).toEqual([200, { result: 'ok' }]);
  });

  it('says that a process without its database is not ready', async () => {
    const readiness = new Readiness({ ping: () => Promise.reject(new Error('gone')) });
    const { port } = await served(new ProcessMetrics(), 0, readiness);
    const answer = await fetch(`http://127.0.0.1:${String(port)}/healthcheck`);
    expect(answer.status).toBe(503);
    expect(await answer.json()).toEqual({ error: 'the database does not answer', status: 503 });
  });

  it('answers 500 when a part cannot tell', async () => {
    const metrics = new ProcessMetrics();
    metrics.add({ text: () => Promise.reject(new Error('no')) });
    const { port } = await served(metrics);
    expect((await fetch(`http://127.0.0.1:${String(port)}/metrics`)).status).toBe(500);
  });

  it('names option and port when the port is taken', async () => {
    const { port } = await served();
    const error: unknown = await served(new ProcessMetrics(), port).catch((fault: unknown) => fault);
    expect(error).toBeInstanceOf(StartupError);
    expect((error as Error).message).toMatch(
      new RegExp(
        `^\\[metrics\\] port: cannot listen on 127\\.0\\.0\\.1 port ${String(port)} \\(EADDRINUSE\\): the port is taken`,
      ),
    );
  });
});
