// SPDX-License-Identifier: Apache-2.0
// Guests and hosts as an oVirt engine tells of them, and the consoles that they make. Pure: answers in, consoles out. What
// cannot be read stays as it was known, and never spoils the rest.
import { isHost } from '../../net/host-name.js';
import { connectProxyOf, connectProxyUrl } from '../../objects/connect-info.js';
import type { DiscoveredConsole } from '../../objects/console.js';
import { guestName } from '../guest-name.js';
import { objectOf, portOf, textOf, type JsonObject } from '../json.js';

type HostAndPort = Parameters<typeof connectProxyUrl>[0];

/** A guest with a SPICE display. */
export interface Guest {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  /** The id of its host; null while it has none. */
  readonly host: string | null;
  /** Where its SPICE server listens; null: where its host is. */
  readonly address: string | null;
  readonly port: number | null;
  readonly securePort: number | null;
  /** The HTTP proxy that clients shall reach it by; null: none. */
  readonly proxy: HostAndPort | null;
}

/** The guests of a listing. */
export interface Guests {
  readonly guests: readonly Guest[];
  /** Ids of all that are in it, SPICE or not, read or not. */
  readonly listed: ReadonlySet<string>;
  readonly unread: readonly string[];
  /** There are some whose id cannot be read either. */
  readonly nameless: boolean;
}

/** A host that guests run on. */
export interface Host {
  readonly address: string;
  /** The subject of its certificate; null: it tells none. */
  readonly subject: string | null;
}

/** Hosts by id. */
export type Hosts = ReadonlyMap<string, Host>;

const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const WILDCARDS = ['0.0.0.0', '::', '*'];
const MAX_SUBJECT = 1024;
const MAX_STATUS = 64;
const MAX_PROXY = 255;

/** The guests of a listing. */
export function readGuests(items: readonly unknown[]): Guests {
  const guests = new Map<string, Guest>();
  const listed = new Set<string>();
  const unread: string[] = [];
  let nameless = false;
  for (const item of items) {
    const id = idOf(item);
    if (id === null) {
      nameless = true;
      continue;
    }
    listed.add(id);
    const guest = readGuest(item);
    if (guest === null) unread.push(id);
    else if (guest !== 'other') guests.set(id, guest);
  }
  return { guests: [...guests.values()], listed, unread, nameless };
}

/** One guest; `other`: it has no SPICE display; null: it cannot be read. */
export function readGuest(item: unknown): Guest | 'other' | null {
  const members = objectOf(item);
  const id = idOf(item);
  const status = textOf(members?.['status']);
  if (members === null || id === null || status === null || status.length > MAX_STATUS) return null;
  const display = objectOf(members['display']);
  if (display === null || textOf(display['type']) !== 'spice') return 'other';
  const shown = readDisplay(display);
  if (shown === null) return null;
  return { id, name: textOf(members['name']) ?? id, status, host: idOf(members['host']), ...shown };
}

function readDisplay(display: JsonObject): Pick<Guest, 'address' | 'port' | 'securePort' | 'proxy'> | null {
  const address = textOf(display['address']);
  const wildcard = address !== null && WILDCARDS.includes(address);
  if (address !== null && !wildcard && !isHost(address)) return null;
  const given = textOf(display['proxy']);
  const proxy = given === null ? null : proxyOf(given);
  // One that cannot be asked: the guest is not reached past it, either.
  if (given !== null && proxy === null) return null;
  return {
    address: wildcard ? null : address,
    port: portOf(display['port']),
    securePort: portOf(display['secure_port']),
    proxy,
  };
}

/** The hosts of a listing; those that cannot be read are left out. */
export function readHosts(items: readonly unknown[]): Hosts {
  const hosts = new Map<string, Host>();
  for (const item of items) {
    const members = objectOf(item);
    const id = idOf(item);
    const address = textOf(members?.['address']);
    const subject = textOf(objectOf(members?.['certificate'])?.['subject']);
    if (id === null || address === null || !isHost(address) || (subject?.length ?? 0) > MAX_SUBJECT) continue;
    hosts.set(id, { address, subject });
  }
  return hosts;
}

/** The console of a guest on its host; null when it has no port. */
export function consoleOf(guest: Guest, host: Host): DiscoveredConsole | null {
  const { id, name, status, address, port, securePort, proxy } = guest;
  if (port === null && securePort === null) return null;
  return {
    uuid: id,
    name: guestName(name),
    hypervisor: host.address,
    hypervisorIp: address ?? host.address,
    insecurePort: port,
    securePort,
    hostSubject: host.subject,
    ticket: '',
    instanceState: status,
    ...(proxy === null ? {} : { connectProxy: connectProxyUrl(proxy) }),
  };
}

/** Whether a guest in a status has a console, and if not, why; `unknown`: the engine itself does not know. */
export function statusFault(status: string): 'moving' | 'building' | 'stopped' | 'unknown' | null {
  switch (status) {
    case 'up':
    case 'paused':
    case 'powering_up':
    case 'powering_down':
    case 'reboot_in_progress':
      return null;
    case 'migrating':
      return 'moving';
    case 'wait_for_launch':
    case 'restoring_state':
      return 'building';
    case 'not_responding':
    case 'unknown':
    case 'unassigned':
      return 'unknown';
    default:
      return 'stopped';
  }
}

function proxyOf(text: string): HostAndPort | null {
  return text.length > MAX_PROXY ? null : connectProxyOf(text);
}

function idOf(item: unknown): string | null {
  const id = textOf(objectOf(item)?.['id']);
  return id !== null && ID.test(id) ? id : null;
}
