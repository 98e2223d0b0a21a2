// SPDX-License-Identifier: Apache-2.0
// TLS towards hypervisors: which certificates are trusted and whom they must name. What a failure is called: fault.ts.
// Rules: the source's CA and nothing else (the system's roots where the source has none); with a pin only the pin
// is compared (spice-common ssl_verify.c); without one the certificate must name the dialled address or the
// hypervisor.
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import tls, { type ConnectionOptions, type PeerCertificate, type SecureContext } from 'node:tls';
import { loggerFor } from '../../log.js';
import { BackendFailed } from '../connection/ends.js';
import { subjectMatches } from '../../tls/host-subject.js';
import { spiceServerNameFault } from '../../tls/server-name.js';
import type { BackendTarget } from '../ipc.js';
import { WRONG_SUBJECT } from './fault.js';

const log = loggerFor('kerbside.console.backend-tls');

/** Parsing a CA costs more than a handshake's other work: contexts are kept, up to this many. */
const MAX_CONTEXTS = 256;
const contexts = new Map<string, SecureContext>();

/** Options of tls.connect for this backend. */
export function backendTlsOptions(target: BackendTarget, host: string): ConnectionOptions {
  return {
    secureContext: trustIn(target.caCert),
    servername: isIP(target.hypervisor) === 0 ? target.hypervisor : '',
    rejectUnauthorized: true,
    checkServerIdentity: (_name, certificate) => identityFault(target, host, certificate),
  };
}

/**
 * What trusts these CAs, and no other.
 * @param caCert PEM; null: the CAs of Node
 * @throws BackendFailed `wrong_ca`
 */
export function trustIn(caCert: string | null): SecureContext {
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
    const { code } = error as NodeJS.ErrnoException;
    throw new BackendFailed('wrong_ca', `the CA of the source is unusable (${code ?? 'no PEM certificate'})`);
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
