// SPDX-License-Identifier: Apache-2.0
// The part of `kerbside-status upgrade check` that looks at certificates: those of the files, how long they last, and the one
// that a running kerbside-proxy shows.
import type { X509Certificate } from 'node:crypto';
import type { Conf } from '../../conf/index.js';
import { throwFaults } from '../../exception.js';
import { proxyLeg, tryLeg } from '../../html5proxy/leg-check.js';
import { shownPath } from '../../option-file.js';
import type { Chain } from '../../tls/chain.js';
import { pinOf } from '../../tls/host-subject.js';
import { browserCertificates, inspectCertificates, spiceCertificates } from '../../tls/inspection.js';
import type { Outcome } from './check.js';

/** A certificate that ends sooner than this is worth a warning. */
const EXPIRY_WARNING_DAYS = 30;
const DAY_MS = 86_400_000;

/** What a check found. */
export interface Finding {
  readonly outcome: Outcome;
  readonly details: string;
}

/** Nothing worth a word. */
export const SUCCESS: Finding = { outcome: 'Success', details: '' };

/** A warning of all lines; a success without any. */
export function warnings(lines: readonly string[]): Finding {
  return lines.length === 0 ? SUCCESS : { outcome: 'Warning', details: lines.join('; ') };
}

/** How much time a certificate has left, in words; empty when there is plenty, or none, which is told elsewhere. */
export function expiryWarning(path: string, certificate: X509Certificate, now: number): string {
  const days = Math.floor((Date.parse(certificate.validTo) - now) / DAY_MS);
  if (days < 0 || days >= EXPIRY_WARNING_DAYS) return '';
  return `"${pinOf(certificate.subject)}" of ${shownPath(path)} expires in ${days} days`;
}

/**
 * The files of [spice] and of [html5proxy].
 * @throws StartupError with everything that keeps a program from starting with them
 */
export async function checkCertificates({ spice, html5proxy }: Conf): Promise<Finding> {
  const browsers = browserCertificates(html5proxy);
  const settings = [spiceCertificates(spice), ...(browsers === null ? [] : [browsers])];
  const found = await Promise.all(settings.map((one) => inspectCertificates(one)));
  throwFaults(found.flatMap(({ faults }) => faults));
  const lines = found.flatMap((one) => [...one.warnings, ...one.chains.flatMap(expiryWarnings)]);
  // An ECDSA certificate and an RSA one have the same above them.
  return warnings([...new Set(lines)]);
}

function expiryWarnings({ links }: Chain): string[] {
  const now = Date.now();
  return links
    .map(({ certificate, path }) => expiryWarning(path, certificate, now))
    .filter((line) => line !== '');
}

/**
 * The certificate that kerbside-proxy shows at the moment, which is an older one where new files have not been taken up. A
 * proxy that does not run here has none.
 */
export async function checkRunningProxy(conf: Conf): Promise<Finding> {
  if (conf.html5proxy.proxyPort === 0 && conf.spice.securePort === 0)
    return { outcome: 'Success', details: 'its port is any free one: not looked at' };
  const fault = await tryLeg(await proxyLeg(conf));
  if (fault === null) return SUCCESS;
  return fault.refused
    ? {
        outcome: 'Failure',
        details: `${fault.message}; [spice] cacert_path, host_subject and public_fqdn must fit the certificate that it has`,
      }
    : { outcome: 'Success', details: `not looked at: ${fault.message}` };
}
