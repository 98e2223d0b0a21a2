// SPDX-License-Identifier: Apache-2.0
// The metrics of a process: all of its parts, behind one listener.
import { afterEach, describe, expect, it } from '@jest/globals';
import { ProxyMetrics } from '../../src/console/metrics.js';
import { StartupError } from '../../src/exception.js';
import { ProcessMetrics, type MetricsServer } from '../../src/metrics.js';

const servers: MetricsServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map(async (server) => server.close()));
});

async function served(metrics = new ProcessMetrics(), port = 0): Promise<MetricsServer> {
  const server = await metrics.serve({ address: '127.0.0.1', port, option: 'port' });
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
  it('serves GET /metrics and nothing else', async () => {
    const { port } = await served();
    const url = `http://127.0.0.1:${String(port)}`;
    const answer = await fetch(`${url}/metrics`);
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await answer.text()).toContain('kerbside_build_info');
    expect((await fetch(`${url}/`)).status).toBe(404);
    expect((await fetch(`${url}/metrics`, { method: 'POST' })).status).toBe(404);
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
        `^\\[metrics\\] port: cannot listen on 127\\.0\\.0\\.1 port ${String(port)}: the port is taken`,
      ),
    );
  });
});
