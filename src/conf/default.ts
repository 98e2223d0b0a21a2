// SPDX-License-Identifier: Apache-2.0
// [DEFAULT]: who this node is, where it keeps its state, and how it logs.
import { hostname } from 'node:os';
import type { GroupSpec } from './types.js';

/** The options of [DEFAULT]. */
export const DEFAULT_GROUP = {
  name: 'DEFAULT',
  help: 'The node itself: its name, its state and its log.',
  ignored: ['executor_thread_pool_size', 'rpc_conn_pool_size', 'rpc_ping_enabled', 'rpc_response_timeout'],
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
    report_interval: {
      type: 'float',
      unit: 'seconds',
      default: 5,
      min: 0.1,
      max: 60,
      help: 'How often a program says in the database that it lives: one small statement each time. See service_down_time.',
    },
    service_down_time: {
      type: 'float',
      unit: 'seconds',
      default: 15,
      min: 0.3,
      max: 600,
      help:
        'A program that has been silent for that long is taken for dead: its sessions and connections are closed in the ' +
        'records, and what they showed can be opened again elsewhere. At least three times report_interval, and the ' +
        'same on every node. A node that was merely cut off puts back what still runs when it returns.',
    },
    state_path: {
      type: 'path',
      default: '/var/lib/kerbside',
      help:
        'The directory for what Kerbside keeps on this machine when no other option says where: the SQLite ' +
        'database and the encryption key. It must exist and be writable for the user that Kerbside runs as, and ' +
        'nobody else should be able to read it.',
    },
    transport_url: {
      type: 'secret',
      default: '',
      help:
        'The message broker, as oslo.messaging has it: rabbit://user:password@host:5672,user:password@host:5672/vhost. ' +
        'Over it the processes of a site tell each other at once what they find in the database anyway within ' +
        '[proxy] poll_interval. Reserved characters are percent-encoded; options of [oslo_messaging_rabbit] may follow ' +
        'as a query, such as ?ssl=1. Empty means no broker.',
    },
    control_exchange: {
      type: 'string',
      default: 'kerbside',
      pattern: {
        accepts: /^[A-Za-z0-9_.:-]{1,100}$/,
        expected: 'up to 100 letters, digits, dots, colons, underscores and hyphens',
      },
      help:
        "The exchange of Kerbside's own notifications; with _fanout at its end, that of what its processes tell each " +
        'other. Sites that share a virtual host need different ones.',
    },
  },
} as const satisfies GroupSpec;
