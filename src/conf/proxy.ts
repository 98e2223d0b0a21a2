// SPDX-License-Identifier: Apache-2.0
// [proxy]: the deadlines and limits of the SPICE data plane.
import { CHANNEL_NAMES } from './channel-names.js';
import type { GroupSpec } from './types.js';

/** The options of [proxy]. */
export const PROXY_GROUP = {
  name: 'proxy',
  help: 'Deadlines and limits of the SPICE data plane.',
  options: {
    tls_handshake_timeout: {
      type: 'float',
      unit: 'seconds',
      default: 10,
      min: 1,
      max: 60,
      help: 'How long a client may take for the TLS handshake.',
    },
    link_timeout: {
      type: 'float',
      unit: 'seconds',
      default: 30,
      min: 1,
      max: 30,
      help:
        'How long a connection may take from its acceptance to the end of the SPICE link stage, however slowly its ' +
        'bytes come.',
    },
    backend_timeout: {
      type: 'float',
      unit: 'seconds',
      default: 10,
      min: 1,
      max: 60,
      help:
        'How long dialling a hypervisor, its TLS and its link stage may take together. The client waits meanwhile; ' +
        'after that its connection is closed and the failure stands in the audit of the console.',
    },
    backend_transport: {
      type: 'choice',
      default: 'prefer_tls',
      choices: ['prefer_tls', 'require_tls', 'plain'],
      help:
        'How hypervisors are reached. "prefer_tls" uses TLS where the console has a TLS port; when that port cannot ' +
        'be verified the connection fails and the plain port is not tried. "require_tls" refuses consoles without a ' +
        'TLS port. "plain" uses the plain port first, and TLS only where the hypervisor insists on it.',
    },
    write_timeout: {
      type: 'float',
      unit: 'seconds',
      default: 300,
      min: 5,
      max: 3600,
      help:
        'How long one side may refuse to take bytes that wait for it, before its session is ended. An outage of the ' +
        'network looks the same, and after it TCP may rest for as long again: 300 seconds survive one of two minutes. ' +
        'Less frees the memory of clients that hang earlier, a few MiB for each of their busy channels.',
    },
    control_timeout: {
      type: 'float',
      unit: 'seconds',
      default: 5,
      min: 1,
      max: 30,
      help:
        'How long a relay worker waits for an answer of the control process (is this ticket good, where does it ' +
        'lead) before it turns the connection away. A channel beside a main channel waits for a database that is ' +
        'away, for 0.7 of this time.',
    },
    drain_timeout: {
      type: 'float',
      unit: 'seconds',
      default: 30,
      min: 0,
      max: 86400,
      help:
        'How long running sessions may go on after SIGTERM. New connections are not accepted meanwhile and ' +
        '/healthcheck answers 503. A second SIGTERM closes all sessions at once. Up to 10 seconds follow in which what is ' +
        'left is closed and written down, and users are shown why: the service manager must wait 10 seconds longer than ' +
        'this, or more (TimeoutStopSec, terminationGracePeriodSeconds).',
    },
    poll_interval: {
      type: 'float',
      unit: 'seconds',
      default: 2,
      min: 0.1,
      max: 60,
      help:
        'How often the proxy asks the database which sessions must end. A termination on another node is felt at once ' +
        'where there is a broker ([DEFAULT] transport_url), and after this time at the latest without one. One small ' +
        'indexed query for each proxy.',
    },
    max_connections: {
      type: 'integer',
      default: 20000,
      min: 1,
      max: 1000000,
      help:
        'Client connections of one relay worker at most. A desktop has about ten channels, each of them two sockets: ' +
        'the limit of open files (LimitNOFILE) must be more than twice this number.',
    },
    max_connections_per_address: {
      type: 'integer',
      default: 512,
      min: 1,
      max: 1000000,
      help:
        'Client connections from one address at most; an IPv6 /64 network counts as one. Raise it where many users ' +
        'share one address.',
    },
    max_half_open_per_address: {
      type: 'integer',
      default: 64,
      min: 1,
      max: 1000000,
      help: 'Connections from one address that have not yet shown a ticket, at most; an IPv6 /64 network counts as one.',
    },
    proxy_protocol_from: {
      type: 'list',
      item: 'network',
      default: [],
      minItems: 0,
      help:
        'Addresses and networks (such as 192.0.2.0/24) of the TCP load balancers in front of the SPICE ports. A ' +
        'connection from there must begin with a header of the PROXY protocol, version 1 or 2 (send-proxy or ' +
        'send-proxy-v2 of HAProxy), or it is refused; the address that the header names is the client for limits, ' +
        'sessions, audit and log. From all other addresses no header is read. Without this all clients behind a ' +
        'balancer count as one address. Name no network that clients are in: they could claim any address.',
    },
    max_message_size: {
      type: 'integer',
      unit: 'bytes',
      default: 67108864,
      min: 65536,
      max: 1073741824,
      help:
        'The largest SPICE message that may pass. A longer one is taken as a fault and closes its channel. Messages ' +
        'are streamed, so this is no memory that is set aside. An uncompressed picture of a 4K screen has 33 MB, one of ' +
        'an 8K screen 133 MB.',
    },
    idle_timeout: {
      type: 'dict',
      unit: 'seconds',
      default: {},
      keys: CHANNEL_NAMES,
      min: 1,
      max: 604800,
      help:
        'Channels that are closed when no byte passes in either direction for that long, as channel:seconds pairs, ' +
        'for instance "usbredir:3600,webdav:3600". Empty means never: a quiet desktop is a normal one.',
    },
  },
} as const satisfies GroupSpec;
