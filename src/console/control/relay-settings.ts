// SPDX-License-Identifier: Apache-2.0
// The part of the configuration that relay workers are told over IPC.
import type { Conf } from '../../conf/index.js';
import type { RelaySettings } from '../ipc.js';

/** What a relay worker needs to know. */
export function relaySettings(conf: Conf): RelaySettings {
  const { default: general, spice, proxy, firewall } = conf;
  return {
    addresses: spice.address,
    securePort: spice.securePort,
    insecurePort: spice.insecurePort,
    tlsHandshakeTimeout: proxy.tlsHandshakeTimeout,
    linkTimeout: proxy.linkTimeout,
    backendTimeout: proxy.backendTimeout,
    backendTransport: proxy.backendTransport,
    writeTimeout: proxy.writeTimeout,
    controlTimeout: proxy.controlTimeout,
    maxConnections: proxy.maxConnections,
    maxConnectionsPerAddress: proxy.maxConnectionsPerAddress,
    maxHalfOpenPerAddress: proxy.maxHalfOpenPerAddress,
    proxyProtocolFrom: proxy.proxyProtocolFrom,
    maxMessageBytes: proxy.maxMessageSize,
    idleTimeouts: proxy.idleTimeout,
    firewallMode: firewall.mode,
    permittedChannels: firewall.permittedChannels,
    log: { debug: general.debug, useJson: general.useJson, file: general.logFile },
  };
}
