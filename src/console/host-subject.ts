// SPDX-License-Identifier: Apache-2.0
// The pin on a certificate's subject, by spice-common's rules (ssl_verify.c): entries `KEY=value` joined by commas,
// in the certificate's order, same count; key names are case-sensitive, values are compared folded in ASCII case
// and white space; a backslash escapes only a backslash or a comma. A malformed pin matches nothing.
import type { X509Certificate } from 'node:crypto';

const KEYS: ReadonlySet<string> = new Set(['C', 'ST', 'L', 'O', 'OU', 'CN', 'DC', 'emailAddress']);

interface Entry {
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
  const entries: Entry[] = [];
  for (const part of parts) {
    const at = part.indexOf('=');
    const key = part.slice(0, at).trim();
    if (at === -1 || !KEYS.has(key)) return null;
    entries.push({ key, value: part.slice(at + 1) });
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
    return { key: line.slice(0, at), value: unescape(line.slice(at + 1)) };
  });
}

function unescape(value: string): string {
  return value.replace(/\\([0-9A-Fa-f]{2}|.)/g, (_whole, escaped: string) =>
    escaped.length === 2 ? String.fromCharCode(parseInt(escaped, 16)) : escaped,
  );
}

function fold(value: string): string {
  return value
    .trim()
    .replace(/\s+/g, ' ')
    .replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
