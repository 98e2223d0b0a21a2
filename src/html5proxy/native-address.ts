// SPDX-License-Identifier: Apache-2.0
// Where native clients connect, for a page whose user goes on in one: what the .vv files of the API have.
import type { Conf } from '../conf/index.js';
import { CaCertificate } from '../tls/ca-certificate.js';
import type { NativeAddress } from './viewer-page.js';

/** Gives it, with the CA as it is at the moment of asking. @throws ConfError when the CA certificate cannot be read */
export async function nativeAddress(spice: Conf['spice']): Promise<() => Promise<NativeAddress>> {
  const ca = await CaCertificate.load(spice.cacertPath);
  const { publicFqdn: host, publicSecurePort, hostSubject } = spice;
  return async () => ({
    host,
    tls_port: publicSecurePort,
    host_subject: hostSubject === '' ? null : hostSubject,
    ca: (await ca.pem()) ?? null,
  });
}
