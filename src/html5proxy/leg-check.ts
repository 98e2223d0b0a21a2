// SPDX-License-Identifier: Apache-2.0
// Makes the leg to kerbside-proxy of the configuration, and tries it before the first browser does: a certificate that does
// not fit [spice] cacert_path and host_subject would end every console, each with an error of its own.
import type { Conf } from '../conf/index.js';
import { ConfError } from '../exception.js';
import { loggerFor } from '../log.js';
import { NetworkList } from '../net/network-list.js';
import { CaCertificate } from '../tls/ca-certificate.js';
import { ProxyLeg, ProxyUnreachable } from './proxy-leg.js';

const log = loggerFor('kerbside.html5proxy.proxy-leg');

/** For whom the try is made: nobody, so that limits and records have an address of this machine. */
const NOBODY = { address: '127.0.0.1', port: 1 };

/**
 * The leg.
 * @throws ConfError when the port is not known, or the CA certificate cannot be read
 */
export async function proxyLeg({ html5proxy, spice, proxy }: Conf): Promise<ProxyLeg> {
  const port = html5proxy.proxyPort === 0 ? spice.securePort : html5proxy.proxyPort;
  if (port === 0) {
    throw new ConfError(
      ...([
        'html5proxy',
        'proxy_port',
        'the port is not known, because [spice] secure_port is any free one',
      ] as const),
      'give the port of kerbside-proxy',
    );
  }
  return new ProxyLeg({
    ...{ host: html5proxy.proxyAddress, port, timeout: html5proxy.connectTimeout },
    ca: await CaCertificate.load(spice.cacertPath),
    hostSubject: spice.hostSubject,
    serverName: spice.publicFqdn,
    headerFrom: new NetworkList(proxy.proxyProtocolFrom),
  });
}

/** Why kerbside-proxy cannot be reached now; null when it can. */
export async function tryLeg(leg: ProxyLeg): Promise<ProxyUnreachable | null> {
  try {
    const { stream } = await leg.dial(NOBODY, NOBODY, new AbortController().signal);
    stream.destroy();
    return null;
  } catch (error) {
    if (error instanceof ProxyUnreachable) return error;
    throw error;
  }
}

/** Logs that the certificate of kerbside-proxy is refused. Where nobody answers, the proxy may start later. */
export async function checkLeg(leg: ProxyLeg): Promise<void> {
  const fault = await tryLeg(leg);
  if (fault?.refused !== true) return;
  log.error(
    'no browser will have a console: [spice] cacert_path and host_subject here must fit kerbside-proxy',
    {
      detail: fault.message,
    },
  );
}
