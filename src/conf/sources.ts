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
  },
} as const satisfies GroupSpec;
