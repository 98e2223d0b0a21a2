// SPDX-License-Identifier: Apache-2.0
// From the text of an option to its value, and back to text for the sample and the log. One small reader for each
// kind of option; a text that does not fit is a ValueFault, which says what was wrong and what would be right.
import { isIP } from 'node:net';
import { Secret } from './secret.js';
import { didYouMean } from './suggestion.js';
import type { OptionSpec, OptionValue } from './types.js';

const SHOWN = 100;
const TRUE = ['true', '1', 'yes', 'on'];
const FALSE = ['false', '0', 'no', 'off'];
/** RFC 1123 host names; the last label is not a number, or it would be a mistyped IPv4 address. */
const HOST_NAME =
  /^(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*(?!\d+$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.?$/i;

/** A text that is no value for its option. */
export class ValueFault extends Error {
  /**
   * @param fault what is wrong, with the value unless it is secret
   * @param remedy what to write instead
   */
  constructor(
    readonly fault: string,
    readonly remedy: string,
  ) {
    super(fault);
  }
}

/** A value as an error shows it: quoted, on one line, not endless. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > SHOWN ? `${text.slice(0, SHOWN)}...` : text);
}

/** A URL with its password masked; of a text that is no proper URL, all that stands before the last @. */
export function maskUrl(url: string): string {
  const proper = /^(?<user>[a-z0-9+.-]+:\/\/[^:/@]*)(:.*)?@(?<rest>[^@]*)$/is.exec(url)?.groups;
  if (proper === undefined) return url.replace(/^.*@/s, '***@');
  const { user = '', rest = '' } = proper;
  return `${user}:***@${rest}`;
}

type NumberSpec = Extract<OptionSpec, { type: 'integer' | 'float' | 'port' | 'dict' }>;

function range(spec: NumberSpec): string {
  const unit = spec.unit === undefined ? '' : ` ${spec.unit}`;
  return `from ${spec.min} to ${spec.max}${unit}`;
}

function readNumber(text: string, spec: NumberSpec): number {
  const whole = spec.type !== 'float' && spec.type !== 'dict';
  const noun = spec.type === 'port' ? 'port number' : whole ? 'whole number' : 'number';
  const remedy = `give a ${noun} ${range(spec)}`;
  const shape = whole ? /^[+-]?\d{1,15}$/ : /^[+-]?(\d{1,15}(\.\d*)?|\.\d+)$/;
  if (!shape.test(text)) throw new ValueFault(`${quoted(text)} is not a ${noun}`, remedy);
  const value = Number(text);
  if (value < spec.min) throw new ValueFault(`${text} is less than ${spec.min}`, remedy);
  if (value > spec.max) throw new ValueFault(`${text} is more than ${spec.max}`, remedy);
  return value;
}

/** true or false in the spellings of oslo.config; undefined when it is neither. */
export function readBoolean(text: string): boolean | undefined {
  const word = text.toLowerCase();
  if (TRUE.includes(word)) return true;
  return FALSE.includes(word) ? false : undefined;
}

function demandBoolean(text: string): boolean {
  const word = readBoolean(text);
  if (word !== undefined) return word;
  throw new ValueFault(`${quoted(text)} is neither true nor false`, 'give true or false');
}

function readHost(text: string): string {
  const bare = /^\[.*\]$/.test(text) ? text.slice(1, -1) : text;
  if (isIP(bare) !== 0 || HOST_NAME.test(bare)) return bare;
  throw new ValueFault(
    `${quoted(text)} is not an address`,
    'give an IPv4 address, an IPv6 address or a host name',
  );
}

function readPath(text: string): string {
  if (!/\p{Cc}/u.test(text)) return text;
  throw new ValueFault(`${quoted(text)} is not a path`, 'give a path without control characters');
}

function readWord(text: string, choices: readonly string[]): string {
  if (choices.includes(text)) return text;
  const fault = `${quoted(text)} is not one of the possible values${didYouMean(text, choices)}`;
  throw new ValueFault(fault, `give one of ${choices.join(', ')}`);
}

/** An address, or a network with its prefix length. */
function readNetwork(text: string): string {
  const [address = '', prefix, ...rest] = text.split('/');
  const bits = isIP(address) === 6 ? 128 : 32;
  const fits = prefix === undefined || (/^(0|[1-9]\d{0,2})$/.test(prefix) && Number(prefix) <= bits);
  if (isIP(address) !== 0 && !address.includes('%') && fits && rest.length === 0) return text;
  throw new ValueFault(
    `${quoted(text)} is not an address or a network`,
    'give addresses such as 192.0.2.7 or networks such as 192.0.2.0/24 and 2001:db8::/32',
  );
}

function readItem(text: string, spec: Extract<OptionSpec, { type: 'list' }>): string {
  switch (spec.item) {
    case 'host':
      return readHost(text);
    case 'network':
      return readNetwork(text);
    case 'path':
      return readPath(text);
    case 'word':
      if (spec.pattern?.accepts.test(text) === false)
        throw new ValueFault(`${quoted(text)} does not fit`, `give ${spec.pattern.expected}`);
      return spec.choices === undefined ? text : readWord(text, spec.choices);
  }
}

function readList(text: string, spec: Extract<OptionSpec, { type: 'list' }>): readonly string[] {
  const items = text
    .split(/[,\n]/)
    .map((item) => item.trim())
    .filter((item) => item !== '');
  if (items.length < spec.minItems) {
    throw new ValueFault('the list is empty', `give at least ${spec.minItems}, separated by commas`);
  }
  return Object.freeze(items.map((item) => readItem(item, spec)));
}

function readDict(
  text: string,
  spec: Extract<OptionSpec, { type: 'dict' }>,
): Readonly<Record<string, number>> {
  const pairs: Record<string, number> = {};
  for (const item of text.split(/[,\n]/)) {
    if (item.trim() === '') continue;
    const [key = '', value, ...rest] = item.split(':').map((part) => part.trim());
    if (value === undefined || rest.length > 0) {
      throw new ValueFault(
        `${quoted(item.trim())} is not a key:number pair`,
        'give pairs such as usbredir:3600',
      );
    }
    pairs[readWord(key, spec.keys)] = readNumber(value, spec);
  }
  return Object.freeze(pairs);
}

function readString(text: string, spec: Extract<OptionSpec, { type: 'string' }>): string {
  if (spec.pattern === undefined || text === '' || spec.pattern.accepts.test(text)) return text;
  const shown = quoted(spec.redact === 'url' ? maskUrl(text) : text);
  throw new ValueFault(`${shown} does not fit`, `give ${spec.pattern.expected}`);
}

/**
 * Reads the text of an option.
 *
 * @throws ValueFault when the text is no value for it
 */
export function readValue(text: string, spec: OptionSpec): OptionValue {
  switch (spec.type) {
    case 'string':
      return readString(text, spec);
    case 'path':
      return readPath(text);
    case 'host':
      // Empty where that is the default: what stands in its place, or that there is none, the option says.
      return text === spec.default ? text : readHost(text);
    case 'secret':
      return new Secret(text);
    case 'boolean':
      return demandBoolean(text);
    case 'integer':
    case 'float':
    case 'port':
      return readNumber(text, spec);
    case 'choice':
      return readWord(text, spec.choices);
    case 'list':
      return readList(text, spec);
    case 'dict':
      return readDict(text, spec);
  }
}

/** A value in the spelling of the file, with secrets masked: what the sample and the log show. */
export function showValue(value: OptionValue, spec: OptionSpec): string {
  if (value instanceof Secret) return String(value);
  if (Array.isArray(value)) return value.join(',');
  if (typeof value === 'object') {
    return Object.entries(value)
      .map(([key, number]) => `${key}:${String(number)}`)
      .join(',');
  }
  return spec.type === 'string' && spec.redact === 'url' ? maskUrl(String(value)) : String(value);
}

/** Whether an option holds a secret, or a URL that may hold one. */
export function isConfidential(spec: OptionSpec): boolean {
  return spec.type === 'secret' || 'redact' in spec;
}

/** Whether a value is a secret, or a URL with a password in it. */
export function holdsSecret(value: OptionValue, spec: OptionSpec): boolean {
  if (value instanceof Secret) return true;
  return 'redact' in spec && typeof value === 'string' && maskUrl(value) !== value;
}

/**
 * The text that a value puts in the place of a reference to it: what Python's str() gives, as oslo.config does it; but
 * lists and pairs in the spelling of the file, of which another option can be made. A secret comes out in clear.
 */
export function substitutedText(value: OptionValue, spec: OptionSpec): string {
  if (value instanceof Secret) return value.reveal();
  if (typeof value === 'object') return showValue(value, spec);
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return spec.type === 'float' && Number.isInteger(value) ? `${value}.0` : String(value);
}
