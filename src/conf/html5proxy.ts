// SPDX-License-Identifier: Apache-2.0
// [html5proxy]: SPICE in the browser.
import type { GroupSpec } from './types.js';

/** The options of [html5proxy]. */
export const HTML5PROXY_GROUP = {
  name: 'html5proxy',
  help:
    'SPICE in the browser: kerbside-html5proxy serves the client (spice-html5) and carries its WebSockets to the SPICE TLS ' +
    'port of kerbside-proxy, where tokens, firewall, limits and audit are those of native clients.',
  options: {
    enabled: {
      type: 'boolean',
      default: false,
      help: 'Whether the all-in-one program kerbside serves browsers too. kerbside-html5proxy always does.',
    },
    address: {
      type: 'host',
      default: '::',
      help:
        'The address that the service listens on. "::" takes IPv6 and IPv4 connections, and only IPv4 where the host ' +
        'has no IPv6.',
    },
    port: {
      type: 'port',
      default: 6082,
      min: 0,
      max: 65535,
      help:
        'The TCP port of the service, the one of [spice] html5proxy_base_url in nova.conf. 0 takes any free port and ' +
        'logs which one.',
    },
    cert_path: {
      type: 'path',
      default: '',
      help:
        "The certificate for HTTPS, in PEM, the server's own first and its intermediates behind it. Empty means plain HTTP: " +
        'then put a TLS proxy in front, or passwords and screens pass in the clear. A changed file is taken up without a restart.',
    },
    key_path: {
      type: 'path',
      default: '',
      help: 'The private key of cert_path, in PEM.',
    },
    web: {
      type: 'path',
      default: '/usr/share/spice-html5',
      help:
        "The folder of the browser's client, Debian's package spice-html5. Its files are read at the start and on " +
        'SIGHUP; nothing else is ever served.',
    },
    allowed_origins: {
      type: 'list',
      item: 'host',
      default: [],
      minItems: 0,
      help:
        'Host names of other sites whose pages may open consoles here and show them in a frame, such as a dashboard under ' +
        'another name. The host name of this service needs no mention, whatever the port is.',
    },
    trusted_proxies: {
      type: 'list',
      item: 'network',
      default: [],
      minItems: 0,
      help:
        'Addresses and networks (such as 192.0.2.0/24) of the TLS proxies and load balancers in front of this service. ' +
        'Only their X-Forwarded-For, -Proto, -Host and -Port count, or in their absence Forwarded (RFC 7239).',
    },
    public_url: {
      type: 'string',
      default: '',
      help:
        'Where browsers reach this service, as [spice] html5proxy_base_url in nova.conf has it but without the name of the page, ' +
        'such as https://cloud.example.com:6082. The admin UI then offers desktops in the browser. Empty: it does not.',
    },
    proxy_address: {
      type: 'host',
      default: '127.0.0.1',
      help:
        'Where the SPICE TLS port of kerbside-proxy is reached: itself, on this machine as a rule, not through a load ' +
        'balancer. Name the address of this machine when [spice] address has no loopback.',
    },
    proxy_port: {
      type: 'port',
      default: 0,
      min: 0,
      max: 65535,
      help:
        'The SPICE TLS port of kerbside-proxy. 0 means [spice] secure_port. Its certificate is checked with [spice] ' +
        'cacert_path and host_subject. Where [proxy] proxy_protocol_from names the address that this service connects from, ' +
        "the browser's address goes with each connection.",
    },
    connect_timeout: {
      type: 'float',
      unit: 'seconds',
      default: 10,
      min: 1,
      max: 60,
      help: 'How long connecting to kerbside-proxy may take, TLS included, before the browser is told that it failed.',
    },
    max_connections: {
      type: 'integer',
      default: 4000,
      min: 1,
      max: 1000000,
      help:
        'WebSockets at most. A desktop has about five, each of them two sockets: the limit of open files (LimitNOFILE) ' +
        'must be more than twice this number.',
    },
    max_connections_per_address: {
      type: 'integer',
      default: 256,
      min: 1,
      max: 1000000,
      help:
        'WebSockets of one client address at most; an IPv6 /64 network counts as one. Raise it where many users share ' +
        'one address.',
    },
  },
} as const satisfies GroupSpec;
