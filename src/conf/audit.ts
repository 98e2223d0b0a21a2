// SPDX-License-Identifier: Apache-2.0
// [audit]: how long the audit trail is kept, and where else it goes.
import type { GroupSpec } from './types.js';

/** The options of [audit]. */
export const AUDIT_GROUP = {
  name: 'audit',
  help:
    'How long audit events are kept, and where they go beside the database. Old ones are removed once an hour, in small ' +
    'batches. kerbside-conductor hands events on; what a sink does not take waits in the database.',
  options: {
    max_age: {
      type: 'integer',
      unit: 'seconds',
      default: 31_536_000,
      min: 0,
      max: 3_153_600_000,
      help: 'Events older than this are removed. The default is one year; 0 keeps them for ever.',
    },
    max_events: {
      type: 'integer',
      default: 0,
      min: 0,
      max: 1_000_000_000,
      help: 'When there are more events than this, the oldest are removed. 0 sets no such limit.',
    },
    sinks: {
      type: 'list',
      item: 'word',
      choices: ['jsonl', 'syslog', 'cadf'],
      default: [],
      minItems: 0,
      help:
        'Where audit events go beside the database: jsonl (a file of JSON lines), syslog (RFC 5424 over TLS), cadf ' +
        '(notifications over oslo.messaging). Each gets all events in their order, at least once, from the moment on at which ' +
        'it is named first. Name the same on all conductors: one of them serves a sink at a time.',
    },
    jsonl_path: {
      type: 'path',
      default: '',
      help:
        'The file of sink jsonl. Its directory must exist and be writable for Kerbside. Each conductor writes its own part of ' +
        'the events: a collector reads the file on all of them.',
    },
    jsonl_max_bytes: {
      type: 'integer',
      unit: 'bytes',
      default: 104_857_600,
      min: 0,
      max: 1_099_511_627_776,
      help:
        'The file of sink jsonl is moved to jsonl_path.1 before it becomes larger than this. 0: it is not moved; logrotate ' +
        'may move it, and needs no signal for that.',
    },
    jsonl_keep: {
      type: 'integer',
      default: 10,
      min: 0,
      max: 1000,
      help: 'So many earlier files of sink jsonl stay, as jsonl_path.1 (the newest) and so on; older ones are removed.',
    },
    syslog_server: {
      type: 'host',
      default: '',
      help: 'The server of sink syslog. Its certificate must be for this name or address.',
    },
    syslog_port: {
      type: 'port',
      default: 6514,
      min: 1,
      max: 65535,
      help: 'The TCP port of the server of sink syslog.',
    },
    syslog_ca_file: {
      type: 'path',
      default: '',
      help: 'A PEM file with the CA that signed the certificate of the syslog server. Empty means the CAs that Node knows.',
    },
    syslog_cert_file: {
      type: 'path',
      default: '',
      help: 'A PEM file with the certificate that Kerbside shows to the syslog server. Empty: it shows none.',
    },
    syslog_key_file: {
      type: 'path',
      default: '',
      help: 'A PEM file with the key of syslog_cert_file.',
    },
    syslog_facility: {
      type: 'choice',
      default: 'audit',
      choices: [
        ...(['auth', 'authpriv', 'audit', 'local0', 'local1', 'local2'] as const),
        ...(['local3', 'local4', 'local5', 'local6', 'local7'] as const),
      ],
      help: 'The facility of the messages of sink syslog; audit is number 13 of RFC 5424.',
    },
    cadf_transport_url: {
      type: 'secret',
      default: '',
      help:
        'The broker of sink cadf. Empty means that of [oslo_messaging_notifications] transport_url, or else that of [DEFAULT] ' +
        'transport_url.',
    },
    cadf_topics: {
      type: 'list',
      item: 'word',
      default: ['audit'],
      minItems: 1,
      pattern: {
        accepts: /^[A-Za-z0-9_.:-]{1,200}$/,
        expected: '1 to 200 letters, digits, dots, colons, underscores and hyphens',
      },
      help:
        'The topics of sink cadf. Somebody must consume the queue of each, such as audit.info: it grows otherwise, and when it ' +
        'is full the events wait in the database.',
    },
  },
} as const satisfies GroupSpec;
