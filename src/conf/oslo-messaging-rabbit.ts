// SPDX-License-Identifier: Apache-2.0
// [oslo_messaging_rabbit]: how RabbitMQ is reached and what is made there; names, meanings and defaults of oslo.messaging.
import type { GroupSpec } from './types.js';

const DAY = 86400;

/** The options of [oslo_messaging_rabbit]. */
export const OSLO_MESSAGING_RABBIT_GROUP = {
  name: 'oslo_messaging_rabbit',
  help:
    'RabbitMQ. The options are those of oslo.messaging, so that the section of another OpenStack service can be used as ' +
    'it is. Any of them may also stand in the query of a transport URL, where it counts for that URL alone. Accepted ' +
    'and without effect, because Kerbside makes no RPC calls and needs no pools or threads for AMQP: ' +
    'conn_pool_min_size, conn_pool_ttl, direct_mandatory_flag, enable_cancel_on_failover, heartbeat_in_pthread, ' +
    'heartbeat_rate, hostname, kombu_compression, kombu_missing_consumer_retry_timeout, processname, ' +
    'rabbit_stream_fanout, rpc_conn_pool_size, ssl_enforce_fips_mode, ssl_version (TLS 1.2 and newer are spoken), ' +
    'use_queue_manager.',
  ignored: [
    'conn_pool_min_size',
    'conn_pool_ttl',
    'direct_mandatory_flag',
    'enable_cancel_on_failover',
    'heartbeat_in_pthread',
    'heartbeat_rate',
    'hostname',
    'kombu_compression',
    'kombu_missing_consumer_retry_timeout',
    'processname',
    'rabbit_stream_fanout',
    'rpc_conn_pool_size',
    'ssl_enforce_fips_mode',
    'ssl_version',
    'use_queue_manager',
  ],
  options: {
    amqp_durable_queues: {
      type: 'boolean',
      default: false,
      help: 'Make exchanges and queues that survive a restart of the broker. What exists already is used as it is.',
    },
    amqp_auto_delete: {
      type: 'boolean',
      default: false,
      help: 'Make exchanges and queues that the broker removes when nobody uses them any more.',
    },
    rabbit_quorum_queue: {
      type: 'boolean',
      default: false,
      help: 'Make quorum queues, which are replicated and durable. Kolla-Ansible sets this. Exchanges are durable then too.',
    },
    rabbit_transient_quorum_queue: {
      type: 'boolean',
      default: false,
      help: 'Make quorum queues of those that belong to one process (fanout).',
    },
    rabbit_quorum_delivery_limit: {
      type: 'integer',
      default: 0,
      min: 0,
      max: 1000000,
      help: 'How often a quorum queue hands out a message before it drops it. 0 leaves it to the broker.',
    },
    rabbit_quorum_max_memory_length: {
      type: 'integer',
      default: 0,
      min: 0,
      max: 1000000000,
      help: 'Messages of a quorum queue that are kept in memory. 0 leaves it to the broker.',
    },
    rabbit_quorum_max_memory_bytes: {
      type: 'integer',
      unit: 'bytes',
      default: 0,
      min: 0,
      max: 1000000000000,
      help: 'Bytes of a quorum queue that are kept in memory. 0 leaves it to the broker.',
    },
    rabbit_ha_queues: {
      type: 'boolean',
      default: false,
      help: 'Ask for mirrored queues (x-ha-policy) of brokers before RabbitMQ 3.0; later ones have policies instead.',
    },
    rabbit_transient_queues_ttl: {
      type: 'integer',
      unit: 'seconds',
      default: 1800,
      min: 0,
      max: 7 * DAY,
      help:
        'How long the queue of a process stays at the broker after the process has gone. 0 means for ever, which ' +
        'leaves a queue behind for each restart.',
    },
    rabbit_qos_prefetch_count: {
      type: 'integer',
      default: 0,
      min: 0,
      max: 1000,
      help:
        'Messages that a process takes before it has acknowledged the first: so many notifications are handled at the ' +
        'same time. 0 means 16; it never means without limit.',
    },
    rabbit_login_method: {
      type: 'choice',
      choices: ['PLAIN', 'AMQPLAIN', 'EXTERNAL', 'RABBIT-CR-DEMO'],
      default: 'AMQPLAIN',
      help:
        'How to log in. EXTERNAL takes the identity from the certificate of ssl_cert_file. RABBIT-CR-DEMO is refused ' +
        'when the program starts: it protects nothing.',
    },
    rabbit_retry_interval: {
      type: 'integer',
      unit: 'seconds',
      default: 1,
      min: 1,
      max: 3600,
      help: 'The pause after the first round of failed attempts to connect; a round tries each host once.',
    },
    rabbit_retry_backoff: {
      type: 'integer',
      unit: 'seconds',
      default: 2,
      min: 0,
      max: 3600,
      help: 'What each further failed round adds to the pause.',
    },
    rabbit_interval_max: {
      type: 'integer',
      unit: 'seconds',
      default: 30,
      min: 1,
      max: 3600,
      help: 'The longest pause between two rounds of attempts.',
    },
    kombu_reconnect_delay: {
      type: 'float',
      unit: 'seconds',
      default: 1,
      min: 0,
      max: 4.5,
      help: 'The pause between the loss of a connection, or of a queue, and the first attempt to have it back.',
    },
    kombu_reconnect_splay: {
      type: 'float',
      unit: 'seconds',
      default: 0,
      min: 0,
      max: 3600,
      help: 'A random time up to this one is added to kombu_reconnect_delay, so that many processes do not come back at once.',
    },
    kombu_failover_strategy: {
      type: 'choice',
      choices: ['round-robin', 'shuffle'],
      default: 'round-robin',
      help:
        'The order of the hosts of a transport URL, which are shuffled at the start: always the same, or a new one for ' +
        'each round.',
    },
    heartbeat_timeout_threshold: {
      type: 'integer',
      unit: 'seconds',
      default: 60,
      min: 0,
      max: 3600,
      help:
        'After this time without any sign of the broker the connection counts as lost. 0 turns heartbeats off: a broker ' +
        'that vanished is then noticed by TCP alone, after many minutes.',
    },
    ssl: {
      type: 'boolean',
      default: false,
      help: 'Speak TLS. The port still is 5672 unless the transport URL names one (most often 5671).',
    },
    ssl_ca_file: {
      type: 'path',
      default: '',
      help:
        "Authorities (PEM) that the broker's certificate is checked with. Empty means those of the system: a " +
        'certificate is always checked.',
    },
    ssl_cert_file: {
      type: 'path',
      default: '',
      help: 'The certificate (PEM) that Kerbside shows to the broker.',
    },
    ssl_key_file: {
      type: 'path',
      default: '',
      help: 'The key (PEM) of ssl_cert_file.',
    },
    ssl_enforce_hostname_verification: {
      type: 'boolean',
      default: true,
      help: "Check that the broker's certificate names the host of the transport URL.",
    },
  },
} as const satisfies GroupSpec;
