// SPDX-License-Identifier: Apache-2.0
// What the description of a guest (domain XML, https://libvirt.org/formatdomain.html) says of its SPICE display. Pure: XML in, facts
// out; every field is judged. A document type, which libvirt never writes, is refused before the parser sees it: no entity is
// ever defined, let alone expanded.
import { XMLParser } from 'fast-xml-parser';
import { MAX_SOCKET_PATH_BYTES } from '../../objects/connect-info.js';

/** Where a guest's SPICE server listens. */
export type Listen =
  /** An address of the hypervisor. */
  | { readonly kind: 'address'; readonly address: string }
  /** A unix socket on the hypervisor. */
  | { readonly kind: 'socket'; readonly path: string }
  /** Nowhere. */
  | { readonly kind: 'none' };

/** The SPICE display of a guest. */
export interface SpiceDisplay {
  readonly listen: Listen;
  readonly port: number | null;
  readonly tlsPort: number | null;
  /** Secret; null: it has none, or the description is one without passwords. */
  readonly password: string | null;
  /** Epoch seconds from which on the password opens nothing; null: never. */
  readonly passwordUntil: number | null;
}

/** What a description says. */
export interface DomainFacts {
  readonly uuid: string;
  /** What people call it: its title, or else its name. */
  readonly title: string;
  /** null: it has no SPICE display. */
  readonly spice: SpiceDisplay | null;
}

type Json = Readonly<Record<string, unknown>>;

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** Bytes of a SPICE password (spice-server's limit without its zero). */
const MAX_PASSWORD = 59;
const MAX_TITLE = 4096;
const ADDRESS = /^[0-9A-Za-z][0-9A-Za-z.:_-]{0,254}$|^::[0-9A-Fa-f.:]{0,40}$/;
const DEEPEST = 64;
/** Characters of a description; one of a usual guest has ten thousand. Reading takes about a second for a million. */
const LONGEST = 500_000;

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  parseTagValue: false,
  parseAttributeValue: false,
  // Character references, as &#10;, are among them.
  htmlEntities: true,
  maxNestedTags: DEEPEST,
  isArray: (_name, path, _leaf, isAttribute) =>
    !isAttribute && (path === 'domain.devices.graphics' || path === 'domain.devices.graphics.listen'),
});

/** What the description says; null: it is none. */
export function domainFacts(xml: string): DomainFacts | null {
  const domain = documentOf(xml);
  if (domain === null) return null;
  const uuid = textOf(domain['uuid']);
  const name = textOf(domain['name']);
  if (uuid === null || !UUID.test(uuid) || name === null) return null;
  const displays = listOf(recordOf(domain['devices'])?.['graphics']);
  const graphics = displays.find((display) => display['@type'] === 'spice');
  const title = textOf(domain['title'])?.trim() ?? '';
  return {
    uuid: uuid.toLowerCase(),
    title: title === '' ? name : title.slice(0, MAX_TITLE),
    spice: graphics === undefined ? null : displayOf(graphics),
  };
}

function documentOf(xml: string): Json | null {
  if (xml.length > LONGEST || /<!(?:DOCTYPE|ENTITY)/i.test(xml)) return null;
  try {
    return recordOf(recordOf(parser.parse(xml))?.['domain']);
  } catch {
    return null;
  }
}

function displayOf(graphics: Json): SpiceDisplay {
  return {
    listen: listenOf(graphics),
    port: portOf(graphics['@port']),
    tlsPort: portOf(graphics['@tlsPort']),
    password: passwordOf(graphics['@passwd']),
    passwordUntil: timeOf(graphics['@passwdValidTo']),
  };
}

/** The first place where it listens; the attribute is of an older form, and repeats it. */
function listenOf(graphics: Json): Listen {
  const [first] = listOf(graphics['listen']);
  const path = textOf(first?.['@socket']);
  if (first?.['@type'] === 'socket') return path === null ? { kind: 'none' } : socketAt(path);
  if (first?.['@type'] === 'none') return { kind: 'none' };
  const address = textOf(first?.['@address']) ?? textOf(graphics['@listen']);
  return address === null || !ADDRESS.test(address) ? { kind: 'none' } : { kind: 'address', address };
}

function socketAt(path: string): Listen {
  const good =
    path.startsWith('/') && !path.includes('\0') && Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES;
  return good ? { kind: 'socket', path } : { kind: 'none' };
}

/** -1 is a port that libvirt has not chosen yet. */
function portOf(value: unknown): number | null {
  const port = typeof value === 'string' && /^\d{1,5}$/.test(value) ? Number(value) : 0;
  return port >= 1 && port <= 65_535 ? port : null;
}

function passwordOf(value: unknown): string | null {
  if (typeof value !== 'string' || value === '') return null;
  return Buffer.byteLength(value) <= MAX_PASSWORD && !value.includes('\0') ? value : null;
}

/** As libvirt writes it: `2026-11-29T23:00:00`, in UTC. */
function timeOf(value: unknown): number | null {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(value)) return null;
  const time = Date.parse(`${value}Z`);
  return Number.isNaN(time) ? null : time / 1000;
}

function recordOf(value: unknown): Json | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : null;
}

function listOf(value: unknown): Json[] {
  if (!Array.isArray(value)) return [];
  return value.map((item: unknown) => recordOf(item) ?? {});
}

/** The text of an element, with attributes or without, or of an attribute. */
function textOf(value: unknown): string | null {
  const text = recordOf(value)?.['#text'] ?? value;
  return typeof text === 'string' && text !== '' ? text : null;
}
