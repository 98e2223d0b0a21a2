// SPDX-License-Identifier: Apache-2.0
// TLS towards hypervisors: which certificates are trusted, whom they must name, and what a failure is called.
// Rules: the source's CA and nothing else (the system's roots where the source has none); with a pin only the pin
// is compared (spice-common ssl_verify.c); without one the certificate must name the dialled address or the
// hypervisor.
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import tls, { type ConnectionOptions, type PeerCertificate, type SecureContext } from 'node:tls';
import { loggerFor } from '../../log.js';
import { BackendFailed, type BackendFailureReason } from '../connection/ends.js';
import { subjectMatches } from '../../tls/host-subject.js';
import { spiceServerNameFault } from '../../tls/server-name.js';
import type { BackendTarget } from '../ipc.js';

const log = loggerFor('kerbside.console.backend-tls');

const WRONG_SUBJECT = 'ERR_KERBSIDE_WRONG_SUBJECT';
/** Parsing a CA costs more than a handshake's other work: contexts are kept, up to this many. */
const MAX_CONTEXTS = 256;
const contexts = new Map<string, SecureContext>();

/** Options of tls.connect for this backend. */
export function backendTlsOptions(target: BackendTarget, host: string): ConnectionOptions {
  return {
    secureContext: contextFor(target.caCert),
    servername: isIP(target.hypervisor) === 0 ? target.hypervisor : '',
    rejectUnauthorized: true,
    checkServerIdentity: (_name, certificate) => identityFault(target, host, certificate),
  };
}

/** The fault that an error of the backend's socket is, by its code. */
export function backendFault(error: NodeJS.ErrnoException): BackendFailed {
  const reason = reasonOf(error.code ?? '');
  return new BackendFailed(reason, TEXTS[reason] ?? error.message);
}

const TEXTS: Partial<Record<BackendFailureReason, string>> = {
  refused: 'connection refused',
  timed_out: 'connection timed out',
  unreachable: 'host unreachable',
  reset: 'connection reset',
  wrong_ca: 'certificate is not signed by the CA of the source',
  wrong_subject: 'certificate does not match the pinned host_subject',
  wrong_host_name: 'certificate does not name the hypervisor',
};

const CODES: Readonly<Record<string, BackendFailureReason>> = {
  ECONNREFUSED: 'refused',
  ETIMEDOUT: 'timed_out',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  UNABLE_TO_GET_ISSUER_CERT: 'wrong_ca',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'wrong_ca',
  SELF_SIGNED_CERT_IN_CHAIN: 'wrong_ca',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'wrong_ca',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'wrong_ca',
  CERT_SIGNATURE_FAILURE: 'wrong_ca',
  CERT_UNTRUSTED: 'wrong_ca',
  INVALID_CA: 'wrong_ca',
  ERR_TLS_CERT_ALTNAME_INVALID: 'wrong_host_name',
  [WRONG_SUBJECT]: 'wrong_subject',
};

function reasonOf(code: string): BackendFailureReason {
  const known = CODES[code];
  if (known !== undefined) return known;
  if (code.startsWith('CERT_') || code.startsWith('CRL_')) return 'certificate_invalid';
  if (code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS') || code === 'EPROTO') return 'tls_failed';
  return 'unreachable';
}

function contextFor(caCert: string | null): SecureContext {
  const key = caCert ?? '';
  const known = contexts.get(key);
  if (known !== undefined) return known;
  const oldest = contexts.size >= MAX_CONTEXTS ? contexts.keys().next().value : undefined;
  if (oldest !== undefined) contexts.delete(oldest);
  const context = makeContext(caCert);
  contexts.set(key, context);
  return context;
}

function makeContext(caCert: string | null): SecureContext {
  try {
    return tls.createSecureContext({ minVersion: 'TLSv1.2', ...(caCert === null ? {} : { ca: caCert }) });
  } catch (error) {
    throw new BackendFailed('wrong_ca', `the CA of the source is unusable: ${(error as Error).message}`);
  }
}

function identityFault(target: BackendTarget, host: string, certificate: PeerCertificate): Error | undefined {
  if (target.hostSubject !== null) return pinFault(target.hostSubject, certificate);
  const fault = spiceServerNameFault(host, certificate);
  if (fault === undefined || target.hypervisor === '') return fault;
  return spiceServerNameFault(target.hypervisor, certificate);
}

function pinFault(pin: string, certificate: PeerCertificate): Error | undefined {
  const parsed = new X509Certificate(certificate.raw);
  if (subjectMatches(pin, parsed)) return undefined;
  log.warning('TLS: rejecting certificate: pinned host_subject does not match', {
    pinned: pin,
    subject: parsed.subject.replaceAll('\n', ','),
  });
  return Object.assign(new Error('pinned host_subject does not match'), { code: WRONG_SUBJECT });
}
