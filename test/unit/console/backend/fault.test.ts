// SPDX-License-Identifier: Apache-2.0
// Every code that a hypervisor's socket can fail with has a reason and one line of words.
import { describe, expect, it } from '@jest/globals';
import { backendFault, WRONG_SUBJECT } from '../../../../src/console/backend/fault.js';

/** An error as OpenSSL's come through Node. */
function failed(code: string): NodeJS.ErrnoException {
  const line = `40D7:error:0A000410:SSL routines:ssl3_read_bytes:${code}:../deps/openssl/ssl/record/rec_layer_s3.c:1605:`;
  return Object.assign(new Error(`${line}SSL alert number 40\n`), { code });
}

describe('a fault of a hypervisor', () => {
  it.each([
    ['ECONNREFUSED', 'refused', 'connection refused'],
    ['ETIMEDOUT', 'timed_out', 'connection timed out'],
    ['EHOSTUNREACH', 'unreachable', 'host unreachable'],
    ['ENETUNREACH', 'unreachable', 'network unreachable'],
    ['ENOTFOUND', 'name_unknown', 'the name of the hypervisor does not resolve'],
    ['EAI_AGAIN', 'name_unknown', 'the name servers do not answer'],
    ['EMFILE', 'no_resources', 'this process has too many open files'],
    ['ECONNRESET', 'reset', 'connection reset'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'wrong_ca', 'certificate is not signed by the CA of the source'],
    ['UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY', 'wrong_ca', 'certificate is not signed by the CA of the source'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'wrong_host_name', 'certificate does not name the hypervisor'],
    [WRONG_SUBJECT, 'wrong_subject', 'certificate does not match the pinned host_subject'],
    ['CERT_HAS_EXPIRED', 'certificate_invalid', 'certificate has expired, or one of its chain has'],
    ['INVALID_PURPOSE', 'certificate_invalid', 'certificate is not one for servers'],
    [
      'PATH_LENGTH_EXCEEDED',
      'certificate_invalid',
      'certificate has more CAs above it than one of them allows',
    ],
    ['UNSPECIFIED', 'certificate_invalid', 'certificate is not valid (UNSPECIFIED)'],
    ['CRL_HAS_EXPIRED', 'certificate_invalid', 'certificate is not valid (CRL_HAS_EXPIRED)'],
    [
      'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE',
      'tls_failed',
      'TLS failed (ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE)',
    ],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'tls_failed', 'TLS failed (ERR_SSL_WRONG_VERSION_NUMBER)'],
    ['EPROTO', 'tls_failed', 'TLS failed (EPROTO)'],
    ['ESOMETHING', 'unreachable', 'connection failed (ESOMETHING)'],
  ])('with the code %s is %s: %s', (code, reason, detail) => {
    expect(backendFault(failed(code))).toMatchObject({ reason, detail });
  });

  it('without a code is one line without source paths', () => {
    expect(backendFault(new Error('../deps/openssl'))).toMatchObject({
      reason: 'unreachable',
      detail: 'connection failed (no code)',
    });
  });
});
