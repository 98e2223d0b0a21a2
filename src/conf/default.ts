// SPDX-License-Identifier: Apache-2.0
// [DEFAULT]: who this node is, where it keeps its state, and how it logs.
import { hostname } from 'node:os';
import type { GroupSpec } from './types.js';

/** The options of [DEFAULT]. */
export const DEFAULT_GROUP = {
  name: 'DEFAULT',
  help: 'The node itself: its name, its state and its log.',
  options: {
    node_name: {
      type: 'string',
      default: '',
      derived: { shown: '<host name>', from: () => hostname() },
      pattern: { accepts: /^[^\s\p{Cc}]{1,255}$/u, expected: '1 to 255 characters without white space' },
      help:
        'The name of this node in the database: sessions, connections and audit events carry it. It must be ' +
        'unique among all nodes that share a database, and it must stay the same over a restart: a starting ' +
        'proxy closes what an earlier process of the same name left open.',
      deprecatedEnv: { name: 'NODE_NAME' },
    },
    debug: {
      type: 'boolean',
      default: false,
      help:
        'Log at DEBUG instead of INFO. Tickets, tokens and passwords are never logged at either level. ' +
        'The relay workers keep the level that they were started with.',
      deprecatedEnv: { name: 'LOG_VERBOSE' },
      mutable: true,
    },
    log_file: {
      type: 'path',
      default: '',
      help:
        'The file that the log is appended to. Empty means standard output, which suits systemd and containers. ' +
        'When logrotate moves the file away, a new one is opened within a second of the next line, or at once on SIGHUP.',
      deprecatedEnv: { name: 'LOG_OUTPUT_PATH', values: { stdout: '', '-': '' } },
    },
    use_json: {
      type: 'boolean',
      default: false,
      help: 'Write each log line as one JSON object instead of the text format of oslo.log.',
    },
    state_path: {
      type: 'path',
      default: '/var/lib/kerbside',
      help:
        'The directory for what Kerbside keeps on this machine when no other option says where: the SQLite ' +
        'database and the encryption key. It must exist and be writable for the user that Kerbside runs as, and ' +
        'nobody else should be able to read it.',
    },
  },
} as const satisfies GroupSpec;
