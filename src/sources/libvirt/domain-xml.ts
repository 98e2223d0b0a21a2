// SPDX-License-Identifier: Apache-2.0
// What the description of a guest (domain XML, https://libvirt.org/formatdomain.html) says of its SPICE display. Pure: XML in, facts
// out; every field is judged.
import { MAX_SOCKET_PATH_BYTES } from '../../objects/connect-info.js';
import { objectOf, portOf, textOf, type JsonObject } from '../json.js';
import { platformTag } from '../platform-tag.js';
import { manyOf, parseXml, XmlFault } from '../xml.js';

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
  /** `title:<title>`, where it has a title. */
  readonly tags: readonly string[];
  /** null: it has no SPICE display. */
  readonly spice: SpiceDisplay | null;
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** Bytes of a SPICE password (spice-server's limit without its zero). */
const MAX_PASSWORD = 59;
const MAX_TITLE = 4096;
const ADDRESS = /^[0-9A-Za-z][0-9A-Za-z.:_-]{0,254}$|^::[0-9A-Fa-f.:]{0,40}$/;
/** Characters of a description; one of a usual guest has ten thousand. Reading takes about a second for a million. */
const LONGEST = 500_000;

/** What the description says; null: it is none. */
export function domainFacts(xml: string): DomainFacts | null {
  const domain = documentOf(xml);
  if (domain === null) return null;
  const uuid = wordsOf(domain['uuid']);
  const name = wordsOf(domain['name']);
  if (uuid === null || !UUID.test(uuid) || name === null) return null;
  const displays = elementsOf(objectOf(domain['devices'])?.['graphics']);
  const graphics = displays.find((display) => display['@type'] === 'spice');
  const title = wordsOf(domain['title']);
  return {
    uuid: uuid.toLowerCase(),
    title: (title ?? name).slice(0, MAX_TITLE),
    tags: platformTag('title', title),
    spice: graphics === undefined ? null : displayOf(graphics),
  };
}

function documentOf(xml: string): JsonObject | null {
  try {
    return objectOf(parseXml(xml, { size: LONGEST })['domain']);
  } catch (error) {
    if (error instanceof XmlFault) return null;
    throw error;
  }
}

function displayOf(graphics: JsonObject): SpiceDisplay {
  return {
    listen: listenOf(graphics),
    // -1 is a port that libvirt has not chosen yet.
    port: portOf(graphics['@port']),
    tlsPort: portOf(graphics['@tlsPort']),
    password: passwordOf(graphics['@passwd']),
    passwordUntil: timeOf(graphics['@passwdValidTo']),
  };
}

/** The first place where it listens; the attribute is of an older form, and repeats it. */
function listenOf(graphics: JsonObject): Listen {
  const [first] = elementsOf(graphics['listen']);
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

function elementsOf(value: unknown): JsonObject[] {
  return manyOf(value).map((element) => objectOf(element) ?? {});
}

/** The text of an element, with attributes or without; null: it has none. */
function wordsOf(element: unknown): string | null {
  const text = textOf(objectOf(element)?.['#text'] ?? element)?.trim();
  return text === undefined || text === '' ? null : text;
}
