// SPDX-License-Identifier: Apache-2.0
// Instances and nodes as a Shaken Fist cluster tells of them, and the consoles that they make. Pure: answers in, consoles out.
// What cannot be read stays as it was known, and never spoils the rest.
import { isIP } from 'node:net';
import { isHost } from '../../net/host-name.js';
import type { DiscoveredConsole } from '../../objects/console.js';
import { guestName } from '../guest-name.js';
import { listOf, objectOf, portOf, textOf, type JsonObject } from '../json.js';
import { platformTag } from '../platform-tag.js';

/** An instance that has a SPICE console by its definition, running or not. */
export interface Instance {
  readonly uuid: string;
  readonly name: string;
  readonly namespace: string;
  /** `created` while it has a console. */
  readonly state: string;
  /** UUID or name of its node; null while it has none. */
  readonly node: string | null;
  readonly port: number | null;
  readonly tlsPort: number | null;
}

/** The instances of a listing. */
export interface Instances {
  readonly instances: readonly Instance[];
  /** UUIDs of those that cannot be read. */
  readonly unread: readonly string[];
  /** There are some whose UUID cannot be read either. */
  readonly nameless: boolean;
  /** How many the cluster listed, those without SPICE included. */
  readonly listed: number;
}

/** Where the SPICE servers of a node are reached. */
export interface Node {
  readonly host: string;
  /** '' when it is not known. */
  readonly ip: string;
  /** The subject of its certificate; null: it publishes none. */
  readonly subject: string | null;
}

/** Nodes by each name that instances may call them by. */
export type Nodes = ReadonlyMap<string, Node>;

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const MAX_SUBJECT = 1024;
const MAX_STATE = 64;
const MAX_NODE = 255;

/** The instances of a listing with SPICE consoles; null when it is no listing. */
export function readInstances(json: unknown): Instances | null {
  const items = listOf(json);
  if (items === null) return null;
  const instances = new Map<string, Instance>();
  const unread: string[] = [];
  let nameless = false;
  for (const item of items) {
    const found = readInstance(item);
    if (found === 'other') continue;
    if (found !== null) {
      instances.set(found.uuid, found);
      continue;
    }
    const uuid = uuidOf(item);
    if (uuid === null) nameless = true;
    else unread.push(uuid);
  }
  return { instances: [...instances.values()], unread, nameless, listed: items.length };
}

/** One instance; `other`: it has no SPICE console; null: it cannot be read. */
export function readInstance(item: unknown): Instance | 'other' | null {
  const members = objectOf(item);
  const uuid = uuidOf(item);
  if (members === null || uuid === null) return null;
  const video = objectOf(members['video']);
  const vdi = textOf(video?.['vdi']);
  if (video === null) return null;
  // `spice`, and `spiceconcurrent` for several people at once.
  if (vdi === null || !vdi.startsWith('spice')) return 'other';
  const state = textOf(members['state']);
  const node = textOf(members['node']);
  if (state === null || state.length > MAX_STATE || (node?.length ?? 0) > MAX_NODE) return null;
  return {
    uuid,
    name: textOf(members['name']) ?? uuid,
    namespace: textOf(members['namespace']) ?? '',
    state,
    node,
    port: portOf(members['vdi_port']),
    tlsPort: portOf(members['vdi_tls_port']),
  };
}

/** The nodes of a listing; null when it is none. Nodes that cannot be dialled are left out. */
export function readNodes(json: unknown): Nodes | null {
  const items = listOf(json);
  if (items === null) return null;
  const nodes = new Map<string, Node>();
  for (const item of items) {
    const members = objectOf(item);
    const node = members === null ? null : readNode(members);
    if (members === null || node === null) continue;
    // Instances name their node by its UUID; those of older releases by its name.
    for (const key of [textOf(members['uuid']), textOf(members['name']), node.host])
      if (key !== null) nodes.set(key, node);
  }
  return nodes;
}

function readNode(members: JsonObject): Node | null {
  const host = textOf(members['fqdn']) ?? textOf(members['name']);
  if (host === null || !isHost(host)) return null;
  const ip = textOf(members['ip']) ?? '';
  const subject = textOf(members['spice_server_cert_subject']);
  if ((subject?.length ?? 0) > MAX_SUBJECT) return null;
  return { host, ip: isIP(ip) === 0 ? '' : ip, subject };
}

/** The node of an instance, by the .vv file that the cluster makes for it; null when the file names none. */
export function readConsoleFile(text: string): Node | null {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const cut = line.indexOf('=');
    if (cut > 0) values.set(line.slice(0, cut), line.slice(cut + 1).trim());
  }
  const host = values.get('host') ?? '';
  const subject = values.get('host-subject') ?? '';
  // A UUID is no host: older releases wrote that of the node.
  if (!isHost(host) || UUID.test(host) || subject.length > MAX_SUBJECT) return null;
  return { host, ip: isIP(host) === 0 ? '' : host, subject: subject === '' ? null : subject };
}

/** A node that is known by its name alone; null for a UUID, which nobody can dial. */
export function namedNode(name: string): Node | null {
  return isHost(name) && !UUID.test(name) ? { host: name, ip: '', subject: null } : null;
}

/** The console of an instance on its node; null when it has no port. @param synthesize pins `CN=<host>` where the node publishes nothing */
export function consoleOf(instance: Instance, node: Node, synthesize: boolean): DiscoveredConsole | null {
  const { uuid, name, namespace, port, tlsPort, state } = instance;
  if (port === null && tlsPort === null) return null;
  const made = synthesize && isIP(node.host) === 0 ? `CN=${node.host}` : null;
  return {
    uuid,
    name: guestName(namespace === '' ? name : `${name}.${namespace}`),
    hypervisor: node.host,
    hypervisorIp: node.ip,
    insecurePort: port,
    securePort: tlsPort,
    hostSubject: node.subject ?? made,
    ticket: '',
    instanceState: state,
    tags: platformTag('namespace', namespace),
  };
}

/** Whether an instance in a state has a console, and if not, why. */
export function stateFault(state: string): 'gone' | 'building' | 'stopped' | null {
  if (state === 'created') return null;
  if (/^delet/.test(state)) return 'gone';
  return /^(initial|preflight|creating)$/.test(state) ? 'building' : 'stopped';
}

function uuidOf(item: unknown): string | null {
  const uuid = textOf(objectOf(item)?.['uuid']);
  return uuid !== null && UUID.test(uuid) ? uuid : null;
}
