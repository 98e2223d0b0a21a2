// SPDX-License-Identifier: Apache-2.0
// The metrics of the proxy have their names before any traffic.
import { describe, expect, it } from '@jest/globals';
import { ProxyMetrics } from '../../../../src/console/control/metrics.js';

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
  ])('have "%s" from the start', async (line) => {
    expect(await new ProxyMetrics().text()).toContain(line);
  });

  it('bring their gauges up to date at each scrape', async () => {
    const metrics = new ProxyMetrics();
    metrics.onScrape(() => metrics.activeConnections.set(7));
    expect(await metrics.text()).toContain('kerbside_proxy_active_connections 7');
  });
});
