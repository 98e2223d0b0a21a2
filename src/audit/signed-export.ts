// SPDX-License-Identifier: Apache-2.0
// A period of the audit trail as signed JSON lines: a line that says what it is, a line for each event, and a line with the
// signature. That is Ed25519 over a text of the name of this form, the SHA-256 of all bytes before its line, and the number
// of events: a file that was changed, cut or lengthened has none that fits.
import { createHash, sign, verify, type Hash, type KeyObject } from 'node:crypto';
import type { SealedEvent } from '../objects/audit-digest.js';
import { eventLine } from '../objects/audit-line.js';
import { publicTextOf } from './signing-key.js';

/** What an export is of; epoch seconds. The end of the period does not belong to it. */
export interface ExportedPeriod {
  readonly from: number;
  readonly to: number;
  /** When it was made. */
  readonly exported: number;
  /** Events that had no place in the chain then, and are not in it. */
  readonly unsealed: number;
}

/** The last line of an export. */
export interface ExportSeal {
  readonly events: number;
  /** Of all bytes before the line, in hex. */
  readonly sha256: string;
  /** Base64. */
  readonly signature: string;
}

const FORM = 'kerbside-audit-export-1';

/** The lines of an export, each with its end. */
export async function* exportLines(
  events: AsyncIterable<SealedEvent>,
  period: ExportedPeriod,
  key: KeyObject,
): AsyncGenerator<string> {
  const hash = createHash('sha256');
  const hashed = (line: string): string => {
    hash.update(line);
    return line;
  };
  yield hashed(`${JSON.stringify({ form: FORM, ...period, public_key: publicTextOf(key) })}\n`);
  let count = 0;
  for await (const event of events) {
    count += 1;
    yield hashed(`${eventLine(event)}\n`);
  }
  const sha256 = hash.digest('hex');
  const signature = sign(null, signedText(sha256, count), key).toString('base64');
  yield `${JSON.stringify({ events: count, sha256, signature } satisfies ExportSeal)}\n`;
}

/** Whether a line, parsed, is the first one of an export. */
export function isExportHead(value: unknown): boolean {
  return (value as { form?: unknown } | null)?.form === FORM;
}

/** The last line of an export, parsed; null when it is none. */
export function readExportSeal(value: unknown): ExportSeal | null {
  const { events, sha256, signature } = (value ?? {}) as Partial<Record<keyof ExportSeal, unknown>>;
  if (typeof events !== 'number' || typeof sha256 !== 'string' || typeof signature !== 'string') return null;
  return { events, sha256, signature };
}

/** What is wrong with the seal of an export; null: nothing. @param hash of all bytes before its line */
export function sealFault(seal: ExportSeal, hash: Hash, events: number, key: KeyObject): string | null {
  if (hash.digest('hex') !== seal.sha256) return 'the file was changed after it was signed';
  if (events !== seal.events) return `it has ${events} events, and ${seal.events} were signed`;
  const signature = Buffer.from(seal.signature, 'base64');
  return verify(null, signedText(seal.sha256, seal.events), key, signature)
    ? null
    : 'the signature is not of this key';
}

function signedText(sha256: string, events: number): Buffer {
  return Buffer.from(`${FORM}\n${sha256}\n${events}\n`);
}
