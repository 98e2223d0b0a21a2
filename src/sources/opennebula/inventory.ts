// SPDX-License-Identifier: Apache-2.0
// Virtual machines as OpenNebula tells of them, and the consoles that they make. Pure: XML in, consoles out. What cannot be read
// stays as it was known, and never spoils the rest. Numbers of states are those of include/VirtualMachine.h.
import { isHost } from '../../net/host-name.js';
import type { LocationFault } from '../../close-reason.js';
import type { DiscoveredConsole } from '../../objects/console.js';
import { guestName } from '../guest-name.js';
import { objectOf, portOf, textOf, type JsonObject } from '../json.js';
import { platformTag } from '../platform-tag.js';
import { manyOf, parseXml, XmlFault } from '../xml.js';

/** A virtual machine with a SPICE display. */
export interface Guest {
  readonly id: number;
  readonly name: string;
  /** The group that it belongs to; null: it is not told. */
  readonly group: string | null;
  readonly state: number;
  /** What it does while its state is ACTIVE (LCM_STATE). */
  readonly step: number;
  /** The host that it is on, or was on last; null: none yet. */
  readonly host: string | null;
  /** null while it has none. */
  readonly port: number | null;
  /** Secret; '' for none. */
  readonly password: string;
}

/** The virtual machines of one answer. */
export interface Guests {
  readonly guests: readonly Guest[];
  /** Ids of all that are in it, SPICE or not, read or not, the highest first as they come. */
  readonly listed: readonly number[];
  /** Ids of those that cannot be read. */
  readonly unread: readonly number[];
  /** There are some whose id cannot be read either. */
  readonly nameless: boolean;
}

/** Why a guest has no console; `unknown`: OpenNebula itself does not know. */
export type GuestFault = Exclude<LocationFault, 'stale'> | 'unknown';

/** Bytes of a SPICE password (spice-server's limit without its zero). */
const MAX_PASSWORD = 59;
const MAX_ID = 2_147_483_647;
const MAX_HOST = 255;
const ACTIVE = 3;
const DONE = 6;
/** States before a guest runs: INIT, PENDING, HOLD, CLONING. */
const WAITING = [0, 1, 2, 10];
/** RUNNING, and what is done to a guest that runs on: HOTPLUG, its snapshots and network cards, and snapshots of its disks. */
const LIVE = [3, 17, 24, 25, 26, 57, 59];
/** MIGRATE, SAVE_MIGRATE, PROLOG_MIGRATE, BOOT_MIGRATE. */
const MOVING = [4, 7, 8, 35];
/** LCM_INIT, PROLOG, BOOT, PROLOG_RESUME, CLEANUP_RESUBMIT, BOOT_UNKNOWN to BOOT_STOPPED, PROLOG_UNDEPLOY, BOOT_UNDEPLOY. */
const STARTING = [0, 1, 2, 9, 15, 19, 20, 21, 22, 31, 32];
const UNKNOWN = 16;

/** The virtual machines of a VM_POOL; null: it is none. */
export function readPool(text: string): Guests | null {
  const pool = rootOf(text, 'VM_POOL');
  if (pool === null) return null;
  const guests: Guest[] = [];
  const listed: number[] = [];
  const unread: number[] = [];
  let nameless = false;
  for (const item of manyOf(objectOf(pool)?.['VM'])) {
    const id = idOf(item);
    if (id === null) {
      nameless = true;
      continue;
    }
    listed.push(id);
    const guest = readGuest(item);
    if (guest === null) unread.push(id);
    else if (guest !== 'other') guests.push(guest);
  }
  return { guests, listed, unread, nameless };
}

/** The virtual machine of a VM; `other`: it has no SPICE display; null: it cannot be read. */
export function readVm(text: string): Guest | 'other' | null {
  const vm = rootOf(text, 'VM');
  return vm === null ? null : readGuest(vm);
}

function readGuest(item: unknown): Guest | 'other' | null {
  const vm = objectOf(item);
  const id = idOf(item);
  const [state, step] = [numberOf(vm?.['STATE']), numberOf(vm?.['LCM_STATE'])];
  if (vm === null || id === null || state === null || step === null) return null;
  const graphics = spiceOf(vm);
  if (graphics === null) return 'other';
  const { PORT: port, PASSWD: password = '' } = graphics;
  if (typeof password !== 'string' || Buffer.byteLength(password) > MAX_PASSWORD) return null;
  const name = textOf(vm['NAME']) ?? `VM ${String(id)}`;
  const group = textOf(vm['GNAME']);
  return { id, name, group, state, step, host: hostOf(vm), port: portOf(port), password };
}

/** Its SPICE display. The type is written as its owner wrote it. */
function spiceOf(vm: JsonObject): JsonObject | null {
  for (const item of manyOf(objectOf(vm['TEMPLATE'])?.['GRAPHICS'])) {
    const graphics = objectOf(item);
    if (textOf(graphics?.['TYPE'])?.trim().toUpperCase() === 'SPICE') return graphics;
  }
  return null;
}

/** The host of its last record. */
function hostOf(vm: JsonObject): string | null {
  let [last, host] = [-1, null as string | null];
  for (const item of manyOf(objectOf(vm['HISTORY_RECORDS'])?.['HISTORY'])) {
    const record = objectOf(item);
    const sequence = numberOf(record?.['SEQ']) ?? -1;
    const name = textOf(record?.['HOSTNAME'])?.trim() ?? '';
    if (sequence < last) continue;
    last = sequence;
    host = name.length <= MAX_HOST && isHost(name) ? name : null;
  }
  return host;
}

/**
 * The console of a guest; null while it has no host or no port. Its SPICE server has no TLS, whatever its host has. Where it listens
 * (LISTEN) is written by the owner of the guest: it is never dialled.
 * @param addresses of hosts, by their names in OpenNebula
 */
export function consoleOf(guest: Guest, addresses: ReadonlyMap<string, string>): DiscoveredConsole | null {
  const { id, name, group, host, port, password } = guest;
  if (host === null || port === null) return null;
  return {
    ...{ uuid: String(id), name: guestName(name), hypervisor: host, hypervisorIp: addresses.get(host) ?? '' },
    ...{ insecurePort: port, securePort: null, hostSubject: null, ticket: password },
    ...{ instanceState: 'RUNNING', instanceHost: host, tags: platformTag('group', group) },
  };
}

/** Whether a guest has a console in its state, and if not, why. */
export function guestFault({ state, step }: Pick<Guest, 'state' | 'step'>): GuestFault | null {
  if (state === DONE) return 'gone';
  if (WAITING.includes(state)) return 'building';
  if (state !== ACTIVE) return 'stopped';
  if (LIVE.includes(step)) return null;
  if (MOVING.includes(step)) return 'moving';
  if (STARTING.includes(step)) return 'building';
  return step === UNKNOWN ? 'unknown' : 'stopped';
}

/** The element that a document has as its root; null: it has another one, or is no XML. */
function rootOf(text: string, name: string): unknown {
  try {
    return parseXml(text)[name] ?? null;
  } catch (error) {
    if (error instanceof XmlFault) return null;
    throw error;
  }
}

function idOf(item: unknown): number | null {
  return numberOf(objectOf(item)?.['ID']);
}

function numberOf(value: unknown): number | null {
  const text = typeof value === 'string' ? value.trim() : '';
  const number = /^\d{1,10}$/.test(text) ? Number(text) : -1;
  return number >= 0 && number <= MAX_ID ? number : null;
}
