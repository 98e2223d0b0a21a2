// SPDX-License-Identifier: Apache-2.0
// The Prometheus metrics of kerbside-html5proxy.
import { Counter, Gauge, Registry } from 'prom-client';
import type { Exposition } from '../service/metrics.js';

/** The metrics of the browsers' side. */
export class Html5Metrics implements Exposition {
  readonly registry = new Registry();
  readonly active = new Gauge({
    name: 'kerbside_html5proxy_active_websockets',
    help: 'WebSockets that are open now.',
    registers: [this.registry],
  });
  readonly accepted = new Counter({
    name: 'kerbside_html5proxy_websockets_total',
    help: 'WebSockets that were opened.',
    registers: [this.registry],
  });
  readonly refused = new Counter({
    name: 'kerbside_html5proxy_refused_total',
    help: 'WebSockets that were refused.',
    labelNames: ['reason'],
    registers: [this.registry],
  });
  readonly bytes = new Counter({
    name: 'kerbside_html5proxy_bytes_total',
    help: 'Bytes carried by WebSockets that have ended.',
    labelNames: ['direction'],
    registers: [this.registry],
  });
  readonly exchanges = new Counter({
    name: 'kerbside_html5proxy_exchanges_total',
    help: 'Console tokens of Nova that browsers came with.',
    labelNames: ['outcome'],
    registers: [this.registry],
  });
  readonly requests = new Counter({
    name: 'kerbside_html5proxy_requests_total',
    help: 'HTTP requests.',
    labelNames: ['status'],
    registers: [this.registry],
  });

  /** The exposition, text format 0.0.4. */
  text(): Promise<string> {
    return this.registry.metrics();
  }
}
