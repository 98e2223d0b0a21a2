// SPDX-License-Identifier: Apache-2.0
// [spice]: the SPICE listeners, their certificates, and what a .vv file says about them.
import { hostname } from 'node:os';
import type { GroupSpec } from './types.js';

/** The options of [spice]. */
export const SPICE_GROUP = {
  name: 'spice',
  help: 'The SPICE listeners and what clients are told about them.',
  options: {
    workers: {
      type: 'integer',
      default: 1,
      min: 1,
      max: 64,
      help:
        'Relay processes that share the SPICE ports. One worker uses one core; the death of a worker ends its own ' +
        'sessions only. As many as the node has cores to spare is a good number.',
    },
    address: {
      type: 'list',
      item: 'host',
      default: ['::'],
      minItems: 1,
      help:
        'The addresses that the SPICE ports listen on. "::" takes IPv6 and IPv4 connections, and only IPv4 where ' +
        'the host has no IPv6.',
      deprecatedEnv: { name: 'VDI_ADDRESS' },
    },
    secure_port: {
      type: 'port',
      default: 5900,
      min: 0,
      max: 65535,
      help: 'The TLS port. All sessions come in here. 0 takes any free port and logs which one.',
      deprecatedEnv: { name: 'VDI_SECURE_PORT' },
    },
    insecure_port: {
      type: 'port',
      default: 5901,
      min: 0,
      max: 65535,
      help:
        'The plain port. It carries no session: it tells a client to come back with TLS, and closes. ' +
        '0 takes any free port and logs which one.',
      deprecatedEnv: { name: 'VDI_INSECURE_PORT' },
    },
    enable_insecure_port: {
      type: 'boolean',
      default: true,
      help:
        'Listen on the plain port. Only clients that were told of it need it: those with a .vv file of the original ' +
        'Kerbside, or of advertise_insecure_port.',
    },
    advertise_insecure_port: {
      type: 'boolean',
      default: false,
      help:
        'Name the plain port in .vv files and in answers of the REST API, as the original Kerbside did. Clients then ' +
        'try it first, for every channel, and come back with TLS; where it is closed or filtered they fail or hang. ' +
        'Without it they use TLS at once.',
    },
    public_fqdn: {
      type: 'host',
      default: '',
      derived: { shown: '<host name>', from: () => hostname() },
      help:
        'The name or address by which clients reach the SPICE ports: host= of every .vv file, and the issuer of ' +
        'API tokens. With several nodes it is the name of the load balancer.',
      deprecatedEnv: { name: 'PUBLIC_FQDN' },
    },
    public_secure_port: {
      type: 'port',
      default: '$secure_port',
      min: 1,
      max: 65535,
      help:
        'The TLS port as clients see it: tls-port= of every .vv file. To be set where secure_port is 0, or another one ' +
        'than that of the load balancer.',
      deprecatedEnv: { name: 'PUBLIC_SECURE_PORT' },
    },
    public_insecure_port: {
      type: 'port',
      default: '$insecure_port',
      min: 0,
      max: 65535,
      help: 'The plain port as clients see it: port= of .vv files, with advertise_insecure_port. 0 leaves it out.',
      deprecatedEnv: { name: 'PUBLIC_INSECURE_PORT' },
    },
    host_subject: {
      type: 'string',
      default: 'C=US,O=Shaken Fist,CN=Kerbside Proxy',
      help:
        "The subject of the proxy's certificate as clients must find it: host-subject= of every .vv file. " +
        'With it a client does not compare the host name, so the certificate need not name every address of the proxy. ' +
        'The order of the parts is the one of the certificate. Empty leaves it out, and clients compare public_fqdn with the ' +
        'names of the certificate. Kerbside does not start with a certificate of another subject.',
      deprecatedEnv: { name: 'PROXY_HOST_SUBJECT' },
    },
    cert_path: {
      type: 'list',
      item: 'path',
      default: ['/etc/pki/CA/certs/proxy.pem'],
      minItems: 1,
      help:
        "The certificates of the TLS port, in PEM, the server's own first and its intermediates behind it, one file for each " +
        'type of key: an ECDSA certificate costs less per connection, an RSA one beside it serves old clients. Kerbside does ' +
        'not start with one that clients cannot verify with cacert_path. A changed file is taken up without a restart, and ' +
        'running sessions are not touched.',
      deprecatedEnv: { name: 'PROXY_HOST_CERT_PATH' },
    },
    key_path: {
      type: 'list',
      item: 'path',
      default: ['/etc/pki/CA/certs/proxy-key.pem'],
      minItems: 1,
      help: 'The private keys of cert_path, in PEM, in the same order.',
      deprecatedEnv: { name: 'PROXY_HOST_CERT_KEY_PATH' },
    },
    cacert_path: {
      type: 'path',
      default: '/etc/pki/CA/ca-cert.pem',
      help:
        'The CA certificate that clients check the TLS port with: ca= of every .vv file. Empty leaves ca= out, and ' +
        'clients use the authorities of their own machine. The file has the chain up to a self-signed certificate, and may ' +
        'have several. It holds certificates only: with a private key in it Kerbside does not start, because every client is ' +
        'given the file. kerbside-proxy alone starts without the file, and warns.',
      deprecatedEnv: { name: 'CACERT_PATH' },
    },
  },
} as const satisfies GroupSpec;
