// SPDX-License-Identifier: Apache-2.0
import { afterEach, describe, expect, it } from '@jest/globals';
import { ProxyMetrics, serveMetrics, type MetricsServer } from '../../../src/console/metrics.js';
import { StartupError } from '../../../src/exception.js';

const servers: MetricsServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map(async (server) => server.close()));
});

async function served(metrics = new ProxyMetrics(), port = 0): Promise<MetricsServer> {
  const server = await serveMetrics(metrics, '127.0.0.1', port);
  servers.push(server);
  return server;
}

describe('the metrics', () => {
  it.each([
    'kerbside_proxy_connections_total 0',
    'kerbside_proxy_active_connections 0',
    'kerbside_proxy_authorized_total 0',
    'kerbside_proxy_denied_total 0',
    'kerbside_proxy_bytes_relayed_total{direction="client_to_server"} 0',
    'kerbside_proxy_bytes_relayed_total{direction="server_to_client"} 0',
    '# TYPE kerbside_proxy_firewall_verdicts_total counter',
    '# TYPE kerbside_proxy_backend_failures_total counter',
    '# TYPE kerbside_proxy_link_seconds histogram',
    '# TYPE kerbside_proxy_authorize_seconds histogram',
    '# TYPE kerbside_proxy_active_sessions gauge',
    'kerbside_build_info{version="',
  ])('have "%s" from the start', async (line) => {
    expect(await new ProxyMetrics().text()).toContain(line);
  });

  it('bring their gauges up to date at each scrape', async () => {
    const metrics = new ProxyMetrics();
    metrics.onScrape(() => metrics.activeConnections.set(7));
    expect(await metrics.text()).toContain('kerbside_proxy_active_connections 7');
  });
});

describe('their listener', () => {
  it('serves GET /metrics and nothing else', async () => {
    const { port } = await served();
    const url = `http://127.0.0.1:${String(port)}`;
    const answer = await fetch(`${url}/metrics`);
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await answer.text()).toContain('kerbside_proxy_connections_total');
    expect((await fetch(`${url}/`)).status).toBe(404);
    expect((await fetch(`${url}/metrics`, { method: 'POST' })).status).toBe(404);
  });

  it('names option and port when the port is taken', async () => {
    const { port } = await served();
    const error: unknown = await served(new ProxyMetrics(), port).catch((fault: unknown) => fault);
    expect(error).toBeInstanceOf(StartupError);
    expect((error as Error).message).toMatch(
      new RegExp(
        `^\\[metrics\\] port: cannot listen on 127\\.0\\.0\\.1 port ${String(port)}: the port is taken`,
      ),
    );
  });
});
