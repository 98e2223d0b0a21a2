// SPDX-License-Identifier: Apache-2.0
// Whether a server's certificate names the host that was asked for. Host names are Node's own to compare; addresses are
// OpenSSL's, because some releases of Node 20 find no IPv6 address in any certificate.
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';

/**
 * What is wrong with the names of a certificate; undefined: it names the host. For `checkServerIdentity` of tls.connect.
 * @param host a host name or an address
 */
export function serverNameFault(host: string, certificate: PeerCertificate): Error | undefined {
  if (isIP(host) === 0) return checkServerIdentity(host, certificate);
  if (new X509Certificate(certificate.raw).checkIP(host) !== undefined) return undefined;
  return Object.assign(new Error(`the certificate does not name ${host}`), {
    code: 'ERR_TLS_CERT_ALTNAME_INVALID',
  });
}

/**
 * The same by the rules that SPICE's clients have for servers (spice-common ssl_verify.c): where a certificate has no
 * alternative names of hosts or addresses, its common name may be the address.
 */
export function spiceServerNameFault(host: string, certificate: PeerCertificate): Error | undefined {
  const fault = serverNameFault(host, certificate);
  if (fault === undefined || isIP(host) === 0) return fault;
  const hasNames = /(?:^|, )(?:DNS|IP Address):/.test(certificate.subjectaltname ?? '');
  const names = [certificate.subject.CN].flat();
  return !hasNames && names.some((name) => name?.toLowerCase() === host.toLowerCase()) ? undefined : fault;
}
