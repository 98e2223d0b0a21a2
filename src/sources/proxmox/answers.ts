// SPDX-License-Identifier: Apache-2.0
// What the API of Proxmox VE answers, judged field by field: nothing of it is believed. Bodies are `{"data": ...}`, their
// keys in any order. Pure: JSON in, facts out.
import { onlyCertificates } from '../../tls/pem.js';

/** A virtual machine of the cluster's list. */
export interface ListedGuest {
  readonly vmid: number;
  readonly node: string;
  /** What people call it; its number when it has no name. */
  readonly name: string;
  /** running, stopped; unknown while its node does not answer. */
  readonly status: string;
  /** Seconds; 0 when it does not run. */
  readonly uptime: number;
  /** `pool:<pool>`, and `tag:<tag>` for each of its tags. */
  readonly tags: readonly string[];
}

/** The virtual machines of a cluster. */
export interface GuestList {
  /** Neither containers nor templates. */
  readonly guests: readonly ListedGuest[];
  /** How many entries there were, of any kind. */
  readonly entries: number;
  /** Whether there are entries that cannot be read. */
  readonly unreadable: boolean;
}

/** What a guest does now. */
export interface GuestStatus {
  readonly running: boolean;
  readonly hasSpice: boolean;
}

/** The answer of spiceproxy. `ticket` and `password` are secrets. */
export interface SpiceProxy {
  /** What the proxy is asked for in place of a host. */
  readonly ticket: string;
  readonly tlsPort: number;
  readonly password: string;
  /** URL. */
  readonly proxy: string;
  readonly hostSubject: string | null;
  /** PEM. */
  readonly ca: string | null;
}

type Json = Readonly<Record<string, unknown>>;

const MAX_GUESTS = 50_000;
const MAX_NAME = 255;
const MAX_TEXT = 1024;
/** Bytes of a SPICE password (spice-server's limit without its zero). */
const MAX_PASSWORD = 59;
const NODE = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;
/** A tag, or the name of a pool, which may be one below another since Proxmox VE 8.1. */
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.+/-]{0,127}$/;
const MAX_TAGS = 60;
const MIN_VMID = 100;
const MAX_VMID = 999_999_999;
const PLAIN = /^[\x21-\x7e]+$/;
const NO_TAGS: readonly string[] = [];
const SAYABLE = /^[\x21-\x7e]{1,1024}$/;

/** The list of `cluster/resources?type=vm`; null: it is none. */
export function guestList(json: unknown): GuestList | null {
  const data = dataOf(json);
  if (!Array.isArray(data) || data.length > MAX_GUESTS) return null;
  const guests: ListedGuest[] = [];
  let unreadable = false;
  for (const item of data as readonly unknown[]) {
    const guest = isRecord(item) ? listedGuest(item) : null;
    if (guest === null) unreadable = true;
    else if (guest !== 'other') guests.push(guest);
  }
  return { guests, entries: data.length, unreadable };
}

/** The answer of `status/current`; null: it is none. */
export function guestStatus(json: unknown): GuestStatus | null {
  const data = dataOf(json);
  if (!isRecord(data) || typeof data['status'] !== 'string') return null;
  return { running: data['status'] === 'running', hasSpice: numberOf(data['spice']) === 1 };
}

/** The answer of `spiceproxy`; null: it is none. */
export function spiceProxy(json: unknown): SpiceProxy | null {
  const data = dataOf(json);
  if (!isRecord(data) || data['type'] !== 'spice') return null;
  const [ticket, password, proxy] = [data['host'], data['password'], data['proxy']];
  const tlsPort = portOf(data['tls-port']);
  if (typeof ticket !== 'string' || !SAYABLE.test(ticket) || tlsPort === null) return null;
  if (typeof password !== 'string' || Buffer.byteLength(password) > MAX_PASSWORD) return null;
  if (typeof proxy !== 'string' || proxy.length > MAX_TEXT) return null;
  const ca = typeof data['ca'] === 'string' ? data['ca'].replaceAll('\\n', '\n') : null;
  const hostSubject = subjectOf(data['host-subject']);
  return { ticket, password, proxy, tlsPort, hostSubject, ca: onlyCertificates(ca) };
}

/** Whether an answer of `access/permissions` names the right to see guests, on any path. */
export function maySeeGuests(json: unknown): boolean {
  const data = dataOf(json);
  if (!isRecord(data)) return false;
  return Object.values(data).some((rights) => isRecord(rights) && numberOf(rights['VM.Audit']) !== null);
}

/** What a refusal says, in one short line: the text of its body, or else the phrase of its status line. */
export function refusalText(json: unknown, phrase: string): string {
  const message = isRecord(json) && typeof json['message'] === 'string' ? json['message'] : '';
  return oneLine(message.trim() === '' ? phrase : message, MAX_NAME);
}

function listedGuest(item: Json): ListedGuest | 'other' | null {
  const { type, vmid, node, name, status, template, uptime, pool, tags } = item;
  if (type !== 'qemu') return typeof type === 'string' ? 'other' : null;
  if (numberOf(template) === 1) return 'other';
  const id = numberOf(vmid);
  if (id === null || id < MIN_VMID || id > MAX_VMID) return null;
  if (typeof node !== 'string' || !NODE.test(node)) return null;
  const shown = typeof name === 'string' ? oneLine(name, MAX_NAME) : '';
  return {
    ...{ vmid: id, node, name: shown === '' ? `VM ${String(id)}` : shown },
    status: typeof status === 'string' ? oneLine(status, 64) : 'unknown',
    uptime: numberOf(uptime) ?? 0,
    tags: tagsOf(pool, tags),
  };
}

/** Tags are one text, separated by semicolons; older releases took commas and spaces as well. What is none is left out. */
function tagsOf(pool: unknown, tags: unknown): readonly string[] {
  if (pool === undefined && tags === undefined) return NO_TAGS;
  const given = typeof tags === 'string' ? tags.slice(0, MAX_TEXT).split(/[;,\s]+/) : [];
  return [
    ...(typeof pool === 'string' && TAG.test(pool) ? [`pool:${pool}`] : []),
    ...given
      .filter((tag) => TAG.test(tag))
      .slice(0, MAX_TAGS)
      .map((tag) => `tag:${tag}`),
  ];
}

function dataOf(json: unknown): unknown {
  return isRecord(json) ? json['data'] : undefined;
}

function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A whole number, also one that is written as text. */
function numberOf(value: unknown): number | null {
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : null;
}

function oneLine(text: string, longest: number): string {
  // Nearly all of thousands.
  if (text.length <= longest && PLAIN.test(text)) return text;
  return text
    .slice(0, 4 * longest)
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim()
    .slice(0, longest);
}

function portOf(value: unknown): number | null {
  const port = numberOf(value);
  return port !== null && port >= 1 && port <= 65_535 ? port : null;
}

function subjectOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' && value.length <= MAX_TEXT ? value : null;
}
