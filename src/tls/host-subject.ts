// SPDX-License-Identifier: Apache-2.0
// The pin on a certificate's subject, by spice-common's rules (ssl_verify.c): entries `KEY=value` joined by commas,
// in the certificate's order, same count; keys are named as OpenSSL names them or numbered, values are compared folded in ASCII case
// and white space; a backslash escapes only a backslash or a comma; one comma may end the list, and no value is
// empty. A malformed pin matches nothing.
import type { X509Certificate } from 'node:crypto';
import { attributeOf } from './subject-attributes.js';

interface Entry {
  /** The attribute, as {@link attributeOf} gives it. */
  readonly key: string;
  readonly value: string;
}

/**
 * The entries of a pin.
 *
 * @returns null when the pin is malformed
 */
export function parsePin(pin: string): Entry[] | null {
  const parts = splitPin(pin);
  if (parts === null) return null;
  // Spaces before a key count for nothing, so that one comma may end the list.
  if (/^ *$/.test(parts.at(-1) ?? '')) parts.pop();
  const entries: Entry[] = [];
  for (const part of parts) {
    const [, name = '', value = ''] = /^ *([^ =][^=]*)=(.+)$/s.exec(part) ?? [];
    if (name === '') return null;
    entries.push({ key: attributeOf(name), value });
  }
  return entries.length === 0 ? null : entries;
}

/** Whether the certificate's subject is exactly what the pin says. */
export function subjectMatches(pin: string, certificate: X509Certificate): boolean {
  const wanted = parsePin(pin);
  const actual = certificateEntries(certificate.subject);
  if (wanted === null || actual === null || wanted.length !== actual.length) return false;
  return wanted.every((entry, index) => {
    const other = actual[index];
    return other !== undefined && entry.key === other.key && fold(entry.value) === fold(other.value);
  });
}

/** Whether a pin has the entries of the certificate's subject, in whatever order. */
export function sameEntries(pin: string, certificate: X509Certificate): boolean {
  const sorted = (entries: Entry[] | null): string =>
    JSON.stringify((entries ?? []).map(({ key, value }) => [key, fold(value)]).sort());
  const wanted = parsePin(pin);
  return wanted !== null && sorted(wanted) === sorted(certificateEntries(certificate.subject));
}

/**
 * The pin for a subject or an issuer, such as `O=Lab,CN=host`; '' when it has no entries.
 * @param name as Node prints it, one entry a line
 */
export function pinOf(name: string | undefined): string {
  if (name === undefined || name === '') return '';
  return name
    .split('\n')
    .map((line) => {
      const at = line.indexOf('=');
      return `${line.slice(0, at)}=${unescape(line.slice(at + 1)).replace(/[\\,]/g, '\\$&')}`;
    })
    .join(',');
}

/** Cuts at unescaped commas; null when a backslash escapes something else, or nothing. */
function splitPin(pin: string): string[] | null {
  const parts: string[] = [];
  let part = '';
  for (let index = 0; index < pin.length; index++) {
    const character = pin.charAt(index);
    if (character === '\\') {
      const escaped = pin.charAt(index + 1);
      if (escaped !== '\\' && escaped !== ',') return null;
      part += escaped;
      index += 1;
    } else if (character === ',') {
      parts.push(part);
      part = '';
    } else {
      part += character;
    }
  }
  parts.push(part);
  return parts;
}

/** Node prints one entry a line in the certificate's order, values escaped by RFC 2253, section 2.4. */
function certificateEntries(subject: string | undefined): Entry[] | null {
  if (subject === undefined) return null;
  return subject.split('\n').map((line) => {
    const at = line.indexOf('=');
    return { key: attributeOf(line.slice(0, at)), value: unescape(line.slice(at + 1)) };
  });
}

function unescape(value: string): string {
  return value.replace(/\\([0-9A-Fa-f]{2}|.)/g, (_whole, escaped: string) =>
    escaped.length === 2 ? String.fromCharCode(parseInt(escaped, 16)) : escaped,
  );
}

function fold(value: string): string {
  return value
    .replace(/[ \t-\r]+/g, ' ')
    .replace(/^ | $/g, '')
    .replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
