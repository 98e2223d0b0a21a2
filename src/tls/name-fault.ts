// SPDX-License-Identifier: Apache-2.0
// Whether the certificates are of whom clients are told that they are: of [spice] host_subject, or without it of the host
// public_fqdn, by spice-common's rules.
import { ConfError } from '../exception.js';
import { shownPath } from '../option-file.js';
import type { CertificatePair } from './certificate-pair.js';
import { parsePin, pinOf, sameEntries, subjectMatches } from './host-subject.js';
import { spiceServerNameFault } from './server-name.js';

/** What clients compare. */
export interface ExpectedNames {
  /** `[spice] host_subject`; '' when clients go by the name. */
  readonly hostSubject: string;
  /** `[spice] public_fqdn`. */
  readonly publicFqdn: string;
}

/** Characters of a list of names that a message has at most. */
const SHOWN_NAMES = 200;

/** One fault for each pair that clients refuse for its names. */
export function nameFaults(pairs: readonly CertificatePair[], names: ExpectedNames): ConfError[] {
  if (names.hostSubject === '') return pairs.flatMap((pair) => hostFault(pair, names.publicFqdn) ?? []);
  const wrong = pairs.filter(({ certificates: [own] }) => !subjectMatches(names.hostSubject, own));
  return wrong.map((pair) => subjectFault(pair, names.hostSubject, wrong.length < pairs.length));
}

function subjectFault(
  { certPath, certificates: [own] }: CertificatePair,
  hostSubject: string,
  fitsOthers: boolean,
): ConfError {
  const actual = pinOf(own.subject);
  const settable = subjectMatches(actual, own);
  const differs = sameEntries(hostSubject, own) ? ', whose parts are in another order' : '';
  const malformed = parsePin(hostSubject) === null ? ' (which is not of the form KEY=value,KEY=value)' : '';
  const shown = actual === '' ? 'has no subject' : `has the subject "${actual}"${differs}`;
  const set = settable ? `set it to "${actual}", or leave` : 'leave';
  return new ConfError(
    ...(['spice', 'host_subject'] as const),
    `clients demand "${hostSubject}"${malformed}, and the certificate of ${shownPath(certPath)} ${shown}`,
    fitsOthers
      ? 'have all certificates of cert_path issued with one subject'
      : `${set} it empty for clients to compare the name of public_fqdn`,
  );
}

function hostFault({ certPath, certificates: [own] }: CertificatePair, host: string): ConfError | undefined {
  if (spiceServerNameFault(host, own.toLegacyObject()) === undefined) return undefined;
  const names = own.subjectAltName ?? 'no host names';
  const shown = names.length > SHOWN_NAMES ? `${names.slice(0, SHOWN_NAMES)}...` : names;
  const subject = pinOf(own.subject);
  const other = subjectMatches(subject, own) ? `, or host_subject to "${subject}"` : '';
  return new ConfError(
    ...(['spice', 'public_fqdn'] as const),
    `clients demand the name ${host}, and the certificate of ${shownPath(certPath)} has ${shown}`,
    `set it to a name of the certificate, have one issued for it${other}`,
  );
}
