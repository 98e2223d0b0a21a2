// SPDX-License-Identifier: Apache-2.0
// What an error of a backend's socket is called: the reason, which is a label of the metrics, and one line of words for log
// and audit. Codes: errno(3), getaddrinfo(3), and those that Node gives the results of OpenSSL's verification
// (openssl/x509_vfy.h) and the errors of its TLS.
import { BackendFailed, type BackendFailureReason } from '../connection/ends.js';

/** The code of a certificate that is not the pinned one. */
export const WRONG_SUBJECT = 'ERR_KERBSIDE_WRONG_SUBJECT';

const NETWORK: Readonly<Record<string, readonly [BackendFailureReason, string]>> = {
  ECONNREFUSED: ['refused', 'connection refused'],
  ETIMEDOUT: ['timed_out', 'connection timed out'],
  EHOSTUNREACH: ['unreachable', 'host unreachable'],
  ENETUNREACH: ['unreachable', 'network unreachable'],
  EHOSTDOWN: ['unreachable', 'host is down'],
  ENETDOWN: ['unreachable', 'network is down'],
  EADDRNOTAVAIL: ['unreachable', 'no local address or port is free for it'],
  EACCES: ['unreachable', 'not permitted by the firewall of this host'],
  EPERM: ['unreachable', 'not permitted by the firewall of this host'],
  ECONNRESET: ['reset', 'connection reset'],
  ECONNABORTED: ['reset', 'connection reset'],
  EPIPE: ['reset', 'connection reset'],
  ENOTFOUND: ['name_unknown', 'the name of the hypervisor does not resolve'],
  EAI_NONAME: ['name_unknown', 'the name of the hypervisor does not resolve'],
  EAI_NODATA: ['name_unknown', 'the name of the hypervisor has no address'],
  EAI_ADDRFAMILY: ['name_unknown', 'the name of the hypervisor has no address'],
  EAI_AGAIN: ['name_unknown', 'the name servers do not answer'],
  EAI_FAIL: ['name_unknown', 'the name servers cannot answer'],
  EMFILE: ['no_resources', 'this process has too many open files'],
  ENFILE: ['no_resources', 'this host has too many open files'],
  ENOBUFS: ['no_resources', 'this host has no memory for a connection'],
  ENOMEM: ['no_resources', 'this host has no memory for a connection'],
};

const WRONG_CA = 'certificate is not signed by the CA of the source';

const CERTIFICATE: Readonly<Record<string, readonly [BackendFailureReason, string]>> = {
  UNABLE_TO_GET_ISSUER_CERT: ['wrong_ca', WRONG_CA],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ['wrong_ca', WRONG_CA],
  SELF_SIGNED_CERT_IN_CHAIN: ['wrong_ca', WRONG_CA],
  DEPTH_ZERO_SELF_SIGNED_CERT: ['wrong_ca', WRONG_CA],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ['wrong_ca', WRONG_CA],
  UNABLE_TO_DECRYPT_CERT_SIGNATURE: ['wrong_ca', WRONG_CA],
  UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY: ['wrong_ca', WRONG_CA],
  CERT_SIGNATURE_FAILURE: ['wrong_ca', WRONG_CA],
  CERT_UNTRUSTED: ['wrong_ca', WRONG_CA],
  INVALID_CA: ['wrong_ca', WRONG_CA],
  ERR_TLS_CERT_ALTNAME_INVALID: ['wrong_host_name', 'certificate does not name the hypervisor'],
  ERR_TLS_CERT_ALTNAME_FORMAT: ['wrong_host_name', 'certificate does not name the hypervisor'],
  HOSTNAME_MISMATCH: ['wrong_host_name', 'certificate does not name the hypervisor'],
  [WRONG_SUBJECT]: ['wrong_subject', 'certificate does not match the pinned host_subject'],
  CERT_HAS_EXPIRED: ['certificate_invalid', 'certificate has expired, or one of its chain has'],
  CERT_NOT_YET_VALID: ['certificate_invalid', 'certificate is not valid yet, or one of its chain is not'],
  CERT_REVOKED: ['certificate_invalid', 'certificate is revoked'],
  INVALID_PURPOSE: ['certificate_invalid', 'certificate is not one for servers'],
  PATH_LENGTH_EXCEEDED: ['certificate_invalid', 'certificate has more CAs above it than one of them allows'],
  CERT_CHAIN_TOO_LONG: ['certificate_invalid', 'certificate has too many CAs above it'],
};

/** Codes of the verification without words of their own. `UNSPECIFIED` is Node's for those that it has no name for. */
const VERIFICATION = /^(?:CERT_|CRL_|ERROR_IN_CERT_|ERROR_IN_CRL_|UNABLE_TO_|UNSPECIFIED$)/;
const TLS = /^(?:ERR_SSL_|ERR_TLS_|ERR_OSSL_|EPROTO$)/;

/** The fault that an error of the backend's socket is, by its code. Its own message is not shown: it has source paths. */
export function backendFault({ code = 'no code' }: NodeJS.ErrnoException): BackendFailed {
  const known = NETWORK[code] ?? CERTIFICATE[code];
  if (known !== undefined) return new BackendFailed(...known);
  if (VERIFICATION.test(code))
    return new BackendFailed('certificate_invalid', `certificate is not valid (${code})`);
  if (TLS.test(code)) return new BackendFailed('tls_failed', `TLS failed (${code})`);
  return new BackendFailed('unreachable', `connection failed (${code})`);
}
