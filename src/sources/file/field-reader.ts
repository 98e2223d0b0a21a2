// SPDX-License-Identifier: Apache-2.0
// The fields of one source or one console, each with its rule. A field that breaks its rule becomes a fault that
// says where it stands, whose it is, what is wrong and what to do; secrets are never quoted.
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { connectProxyOf, connectProxyUrl, MAX_SOCKET_PATH_BYTES } from '../../objects/connect-info.js';
import { isHost } from '../../net/host-name.js';
import { certificateBlocks, holdsPrivateKey, onlyCertificates } from '../../tls/pem.js';
import { isScalar, isSeq } from 'yaml';
import { located, type Position, type YamlFile, type YamlRecord, type YamlValue } from './yaml-record.js';

/**
 * Most bytes of a hypervisor's SPICE password: spice-server keeps it with its NUL in SPICE_MAX_PASSWORD_LENGTH (60) bytes,
 * so that QEMU refuses everybody when its own password has all 60.
 */
export const MAX_TICKET_BYTES = 59;

const MAX_QUOTED = 80;
const MAX_PROXY_URL = 255;
const PROPER_UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** As wide as a UUID; files of the original hold made-up ones as well (its demo's ends in `d3m0`). */
const UUID = /^[0-9a-z][0-9a-z._-]{0,35}$/i;
const CONTROL = /\p{Cc}/u;

/** A text as a message shows it: quoted, on one line, not endless. */
export const quoted = (text: string): string =>
  JSON.stringify(text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}...` : text);

/** What is wrong with an item of a list, and what to do about it. */
export class FieldFault {
  constructor(readonly text: string) {}
}

/** Reads the fields of one record; faults and warnings gather in the lists it was given. */
export class FieldReader {
  /** @param owner whose fields these are, as in `source "lab", console "..."` */
  constructor(
    private readonly file: YamlFile,
    private readonly record: YamlRecord,
    private readonly owner: string,
    private readonly faults: string[],
    private readonly warnings: string[],
  ) {}

  /** A fault of the field, at its value or, when it is absent, at the record. */
  fault(key: string, text: string): void {
    const position = this.record.values.get(key)?.position ?? this.record.position;
    const fault = located(position, `${this.owner}, ${key}: ${text}`);
    // A field is read once for all sources, and again by its platform.
    if (!this.faults.includes(fault)) this.faults.push(fault);
  }

  /** Whether the field is there and not empty, right or wrong. */
  given(key: string): boolean {
    const value = this.record.values.get(key);
    return value !== undefined && (value.kind === 'text' ? value.text !== '' : value.kind !== 'nothing');
  }

  /** The names of its fields, in their order. */
  keys(): string[] {
    return [...this.record.values.keys()];
  }

  /** Warns of unknown keys and of keys that occur twice. */
  checkKeys(known: readonly string[]): void {
    for (const [key, { position }] of this.record.values) {
      if (!known.includes(key)) this.warn(position, `${quoted(key)} is not a field of it and is ignored`);
    }
    for (const { key, ...position } of this.record.repeated) {
      this.warn(position, `${quoted(key)} stands twice; the last one counts`);
    }
  }

  /** The same where what is left out would mean more than what is said: unknown keys are faults. */
  demandKeys(known: readonly string[]): void {
    for (const [key, { position }] of this.record.values)
      if (!known.includes(key))
        this.faults.push(
          located(
            position,
            `${this.owner}: ${quoted(key)} is not a field of it; give some of ${known.join(', ')}`,
          ),
        );
    for (const { key, ...position } of this.record.repeated)
      this.faults.push(located(position, `${this.owner}: ${quoted(key)} stands twice; remove one of them`));
  }

  /** Printable text on one line of at most `max` characters; null when absent. */
  text(key: string, max: number): string | null {
    const value = this.scalar(key);
    if (value === null) return null;
    if (CONTROL.test(value.text))
      return this.refuse(key, 'holds control characters or line ends; write it on one line');
    if (value.text.length > max)
      return this.refuse(key, `is longer than ${String(max)} characters; shorten it`);
    return value.text;
  }

  /** Texts without spaces: a list, or one text that separates them by commas or spaces. null when absent or empty. */
  texts(key: string, max: number): string[] | null {
    const value = this.record.values.get(key);
    const text = value?.kind === 'list' ? itemsOf(value) : this.text(key, max);
    if (text === null) return null;
    if (text.length > max) return this.refuse(key, `is longer than ${String(max)} characters; shorten it`);
    const texts = text.split(/[\s,]+/).filter((part) => part !== '');
    return texts.length === 0 ? null : texts;
  }

  /** One of a few words; null when absent. */
  word<Word extends string>(key: string, words: readonly Word[]): Word | null {
    const value = this.scalar(key);
    if (value === null) return null;
    // YAML takes on and off for true and false; here they are words.
    const known = words.find((word) => word === value.text.toLowerCase());
    if (known !== undefined) return known;
    return this.refuse(
      key,
      `${quoted(value.text)} is unknown; give one of ${words.join(', ')}, or leave it out`,
    );
  }

  /** Text that is never shown, of at most `max` bytes; null when absent. */
  secret(key: string, max: number, why: string): string | null {
    const value = this.scalar(key);
    if (value === null) return null;
    const size = Buffer.byteLength(value.text);
    if (value.text.includes('\0')) return this.refuse(key, 'holds a zero character; remove it');
    if (size > max)
      return this.refuse(key, `is ${String(size)} bytes long; ${why} at most ${String(max)} bytes`);
    return value.text;
  }

  /** A TCP port from 1 to 65535; null when absent. */
  port(key: string): number | null {
    const value = this.scalar(key);
    if (value === null) return null;
    const port = /^\d{1,5}$/.test(value.text) ? Number(value.text) : 0;
    if (port >= 1 && port <= 65_535) return port;
    return this.refuse(
      key,
      `${quoted(value.text)} is not a port; give a number from 1 to 65535, or leave it out`,
    );
  }

  /** A UUID, or whatever else of at most 36 characters names a machine and can stand in a URL. */
  uuid(key: string): string | null {
    const value = this.scalar(key);
    if (value === null) return this.refuse(key, "is missing; give the machine's UUID");
    if (PROPER_UUID.test(value.text)) return value.text;
    if (UUID.test(value.text)) {
      this.warn(value.position, `${quoted(value.text)} is not a UUID; it is taken as it is`);
      return value.text;
    }
    return this.refuse(
      key,
      `${quoted(value.text)} is not a UUID; give one as 6a4b1c52-0f3d-4e8a-9b7c-2d1e0f3a4b5c`,
    );
  }

  /** A host name or an IPv4 or IPv6 address; null when absent or empty. */
  host(key: string): string | null {
    const value = this.scalar(key);
    if (value === null || value.text === '') return null;
    if (isHost(value.text)) return value.text;
    const bare = value.text.replace(/^\[(.*)\]$/, '$1');
    if (isIP(bare) === 6) return this.refuse(key, `${quoted(value.text)} stands in brackets; write ${bare}`);
    return this.refuse(
      key,
      `${quoted(value.text)} is not a host name or address; give it without a port or brackets`,
    );
  }

  /** The URL of an HTTP proxy, as `http://host:port`; null when absent. */
  connectProxy(key: string): string | null {
    const text = this.text(key, MAX_PROXY_URL);
    if (text === null) return null;
    const proxy = connectProxyOf(text);
    // Not quoted: a password may stand in it.
    if (proxy === null)
      return this.refuse(
        key,
        'is not the URL of an HTTP proxy; give http://host:port and nothing else (proxies that want a password, or TLS, are not served)',
      );
    return connectProxyUrl(proxy);
  }

  /** The absolute path of a unix socket; null when absent. */
  socketPath(key: string): string | null {
    const path = this.text(key, MAX_SOCKET_PATH_BYTES);
    if (path === null) return null;
    if (!path.startsWith('/'))
      return this.refuse(key, `${quoted(path)} is not an absolute path; begin it with "/"`);
    if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES)
      return this.refuse(
        key,
        `is longer than the ${String(MAX_SOCKET_PATH_BYTES)} bytes that a unix socket's path may have`,
      );
    return path;
  }

  /** PEM certificates, as text in the file itself; null when absent. */
  certificates(key: string): string | null {
    const value = this.scalar(key);
    if (value === null) return null;
    if (holdsPrivateKey(value.text))
      return this.refuse(
        key,
        'holds a private key, and clients are given this text; keep the certificates alone',
      );
    const blocks = certificateBlocks(value.text);
    if (blocks.length === 0)
      return this.refuse(key, 'holds no PEM certificate; put the certificate itself here, with "ca_cert: |"');
    try {
      for (const block of blocks) new X509Certificate(block);
    } catch {
      return this.refuse(
        key,
        'is not a certificate that can be read; copy the PEM text again, every line indented alike',
      );
    }
    return onlyCertificates(value.text);
  }

  /** A single value, read by its rule; null when absent. @param read gives what it makes of the text, or its fault */
  single<Value>(key: string, read: (text: string) => Value | FieldFault): Value | null {
    const value = this.scalar(key);
    if (value === null) return null;
    const found = read(value.text);
    return found instanceof FieldFault ? this.refuse(key, found.text) : found;
  }

  /** Whether the field is a list. */
  isList(key: string): boolean {
    return this.record.values.get(key)?.kind === 'list';
  }

  /** A list of single values, each read by its rule; null when absent. @param item gives what it makes of a text, or its fault */
  list<Item>(key: string, item: (text: string) => Item | FieldFault): Item[] | null {
    const value = this.record.values.get(key);
    if (value === undefined || value.kind === 'nothing') return null;
    const values = this.file.list(value);
    if (values === null) return this.refuse(key, `is a ${value.kind}; give a list`);
    const items: Item[] = [];
    for (const { kind, text } of values) {
      const read = kind === 'text' ? item(text) : new FieldFault('holds what is no single value');
      if (read instanceof FieldFault) return this.refuse(key, read.text);
      items.push(read);
    }
    return items;
  }

  /** The fields of each record of a list; null when absent. @param what one of them, for faults, as in `entry` */
  records(key: string, what: string): FieldReader[] | null {
    const value = this.record.values.get(key);
    if (value === undefined || value.kind === 'nothing') return null;
    const items = this.file.list(value);
    if (items === null) return this.refuse(key, `is a ${value.kind}; give a list`);
    const readers: FieldReader[] = [];
    for (const [index, item] of items.entries()) {
      const record = this.file.record(item);
      const owner = `${this.owner}, ${key}, ${what} ${String(index + 1)}`;
      if (record === null) {
        this.faults.push(located(item.position, `${owner}: is a ${item.kind}; give a record`));
        return null;
      }
      readers.push(new FieldReader(this.file, record, owner, this.faults, this.warnings));
    }
    return readers;
  }

  /** The fields of a record within this one; null when absent. */
  within(key: string): FieldReader | null {
    const value = this.record.values.get(key);
    if (value === undefined || value.kind === 'nothing') return null;
    const record = this.file.record(value);
    if (record === null) return this.refuse(key, `is a ${value.kind}; give a record`);
    return new FieldReader(this.file, record, `${this.owner}, ${key}`, this.faults, this.warnings);
  }

  private scalar(key: string): YamlValue | null {
    const value = this.record.values.get(key);
    if (value === undefined || value.kind === 'nothing') return null;
    if (value.kind === 'text') return value;
    return this.refuse(key, `is a ${value.kind}; give a single value`);
  }

  private refuse(key: string, text: string): null {
    this.fault(key, text);
    return null;
  }

  private warn(position: Position, text: string): void {
    this.warnings.push(located(position, `${this.owner}: ${text}`));
  }
}

/** The items of a list that are texts, separated by spaces. */
function itemsOf({ node }: YamlValue): string {
  if (!isSeq(node)) return '';
  return node.items.map((item) => (isScalar(item) ? String(item.value) : '')).join(' ');
}
