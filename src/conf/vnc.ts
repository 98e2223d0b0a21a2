// SPDX-License-Identifier: Apache-2.0
// [vnc]: how the VNC servers of hypervisors are spoken to. The names are Nova's.
import type { GroupSpec } from './types.js';

/** The options of [vnc]. */
export const VNC_GROUP = {
  name: 'vnc',
  help:
    'How kerbside-proxy speaks to the VNC servers of consoles whose protocol is vnc. The options have the names that ' +
    'they have in nova.conf of nova-novncproxy.',
  // Those of Nova's that say where its own servers and proxies are.
  ignored: [
    'enabled',
    'server_listen',
    'server_proxyclient_address',
    'novncproxy_base_url',
    'novncproxy_host',
    'novncproxy_port',
  ],
  options: {
    auth_schemes: {
      type: 'list',
      item: 'word',
      choices: ['vencrypt', 'none'],
      default: ['vencrypt', 'none'],
      minItems: 1,
      help:
        'Security types that are used, the preferred one first: "vencrypt" is TLS whose certificate is checked, "none" is no ' +
        'protection at all. Leave out none where every hypervisor has VeNCrypt. A console with a ticket may use VNC ' +
        'authentication beside these. With [proxy] backend_transport = require_tls only vencrypt counts.',
    },
    vencrypt_client_key: {
      type: 'path',
      default: '',
      help:
        'The private key, in PEM, with which Kerbside shows hypervisors who it is. Empty: it shows nothing, which a ' +
        'hypervisor with vnc_tls_x509_verify refuses. Read for every console, so that a renewed one counts at once.',
    },
    vencrypt_client_cert: {
      type: 'path',
      default: '',
      help: 'The certificate of vencrypt_client_key, in PEM.',
    },
    vencrypt_ca_certs: {
      type: 'path',
      default: '',
      help:
        'The CA certificates, in PEM, that the certificates of VNC servers must come from. A ca_cert of the source wins. ' +
        "Empty: the system's CAs.",
    },
  },
} as const satisfies GroupSpec;
