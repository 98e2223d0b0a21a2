// SPDX-License-Identifier: Apache-2.0
// [sources]: the file that names the clouds and hypervisors whose consoles are served.
import type { GroupSpec } from './types.js';

/** The options of [sources]. */
export const SOURCES_GROUP = {
  name: 'sources',
  help: 'The clouds and hypervisors whose consoles are served.',
  options: {
    path: {
      type: 'path',
      default: './sources.yaml',
      help:
        'The YAML file that lists the sources. A relative path starts at the working directory. A file with a fault ' +
        'in it is reported with line and column, and the last good state stays in force.',
      deprecatedEnv: { name: 'SOURCES_PATH' },
    },
    reload_interval: {
      type: 'integer',
      unit: 'seconds',
      default: 5,
      min: 1,
      max: 15,
      help: 'How often the file is looked at for changes. SIGHUP reads it at once.',
    },
    discovery_interval: {
      type: 'integer',
      unit: 'seconds',
      default: 60,
      min: 1,
      max: 3600,
      help:
        'How long after a discovery the same source is asked again. Each source has a clock of its own: one that is ' +
        'slow delays no other. After a start, a reload or an event the next discovery comes sooner, after half of it ' +
        'to the whole of it by the name of the source, so that sources are not all asked at the same moment.',
    },
    discovery_timeout: {
      type: 'integer',
      unit: 'seconds',
      default: 60,
      min: 1,
      max: 600,
      help:
        'How long a source may take to tell its consoles. After that it is marked as errored, and what was known of it ' +
        'stays.',
    },
    request_timeout: {
      type: 'float',
      unit: 'seconds',
      default: 5,
      min: 0.5,
      max: 60,
      help:
        'How long one request to the API of a platform other than OpenStack may take when a console is opened, from the ' +
        'connection to the last byte: users wait for it. Listings have discovery_timeout; OpenStack has [nova].',
    },
  },
} as const satisfies GroupSpec;
