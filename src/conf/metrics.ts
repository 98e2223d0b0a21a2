// SPDX-License-Identifier: Apache-2.0
// [metrics]: where Prometheus finds the counters.
import type { GroupSpec } from './types.js';

/** The options of [metrics]. */
export const METRICS_GROUP = {
  name: 'metrics',
  help: 'The Prometheus exporter.',
  options: {
    address: {
      type: 'host',
      default: '127.0.0.1',
      help:
        'The address that the exporter listens on. It asks for no login: give it an address that only the ' +
        'monitoring network reaches.',
      deprecatedEnv: { name: 'PROMETHEUS_METRICS_ADDRESS' },
    },
    port: {
      type: 'port',
      default: 13003,
      min: 0,
      max: 65535,
      help: 'The TCP port of the exporter. 0 takes any free port and logs which one.',
      deprecatedEnv: { name: 'PROMETHEUS_METRICS_PORT' },
    },
    conductor_port: {
      type: 'port',
      default: 13004,
      min: 0,
      max: 65535,
      help:
        'The TCP port of the exporter of kerbside-conductor, which may share a machine with kerbside-proxy. Where both are ' +
        'one program, [metrics] port shows everything. 0 takes any free port and logs which one.',
    },
    html5proxy_port: {
      type: 'port',
      default: 13005,
      min: 0,
      max: 65535,
      help: 'The same for kerbside-html5proxy.',
    },
  },
} as const satisfies GroupSpec;
