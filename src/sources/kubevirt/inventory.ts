// SPDX-License-Identifier: Apache-2.0
// What the Kubernetes API says of KubeVirt's running machines (VirtualMachineInstance, kubevirt.io/v1), judged field by field:
// nothing of it is believed. Pure: JSON in, facts out.
import type { LocationFault } from '../../close-reason.js';
import type { DiscoveredConsole } from '../../objects/console.js';
import { listOf, objectOf, textOf, type JsonObject } from '../json.js';
import { platformTag } from '../platform-tag.js';

/** A machine that runs, or is about to. */
export interface Machine {
  /** Of the VirtualMachine that it belongs to, which stays when it is started anew; its own where it belongs to none. */
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** Pending, Scheduling, Scheduled, Running, Succeeded, Failed or Unknown. */
  readonly phase: string;
  /** The name of its node; '' as long as it has none. */
  readonly node: string;
  /** Whether it has a graphics device, without which there is no VNC. */
  readonly hasDisplay: boolean;
  /** `namespace:<namespace>`, and `label:<key>=<value>` for each of its labels that are not KubeVirt's own. */
  readonly tags: readonly string[];
}

/** One page of a listing. */
export interface MachinePage {
  readonly machines: readonly Machine[];
  /** UIDs of machines of which something cannot be read. */
  readonly unread: readonly string[];
  /** Whether there are some whose UID cannot be read either. */
  readonly nameless: boolean;
  /** What the next page is asked for by; '': there is none. */
  readonly next: string;
}

/** Bytes of what the next page is asked for by: it travels in a URL. */
const MAX_CONTINUE = 4096;
const MAX_LABELS = 48;
const UID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Names of Kubernetes: a subdomain (RFC 1123); a namespace is one label of it. */
const NAME = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/;
const NAMESPACE = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const PHASE = /^[A-Za-z]{1,32}$/;
const OWN_LABELS = /^(?:[a-z0-9-]+\.)*kubevirt\.io\//;
/** As long as the name of a console may be. */
const LONGEST_NAME = 255;

/** A page of a list of VirtualMachineInstances; null: it is none. */
export function machinePage(json: unknown): MachinePage | null {
  const list = objectOf(json);
  const items = listOf(list?.['items']);
  if (list === null || items === null || !textOf(list['kind'])?.endsWith('List')) return null;
  const next = textOf(objectOf(list['metadata'])?.['continue']) ?? '';
  if (next.length > MAX_CONTINUE) return null;
  const machines: Machine[] = [];
  const unread: string[] = [];
  let nameless = false;
  for (const item of items) {
    const machine = machineOf(item);
    if (machine !== null) machines.push(machine);
    else {
      const uid = uidOf(objectOf(item));
      if (uid === null) nameless = true;
      else unread.push(uid);
    }
  }
  return { machines, unread, nameless, next };
}

/** A VirtualMachineInstance; null: it is none that can be read. */
export function machineOf(json: unknown): Machine | null {
  const item = objectOf(json);
  const metadata = objectOf(item?.['metadata']);
  const [uid, place] = [uidOf(item), placeIn(metadata)];
  if (uid === null || place === null) return null;
  return {
    ...{ uid, ...place, ...stateOf(objectOf(item?.['status'])) },
    hasDisplay: hasDisplay(objectOf(item?.['spec'])),
    tags: [...platformTag('namespace', place.namespace), ...labelTags(objectOf(metadata?.['labels']))],
  };
}

/** What a machine's console is recorded as. */
export function consoleOf(machine: Machine): DiscoveredConsole {
  const { uid, node, phase, tags } = machine;
  return {
    ...{ uuid: uid, name: consoleName(machine), hypervisor: node, hypervisorIp: '' },
    ...{ insecurePort: null, securePort: null, hostSubject: null, ticket: '' },
    ...{ instanceState: phase, instanceHost: node === '' ? null : node, protocol: 'vnc', tags },
  };
}

/** Namespace and name out of the name of a console; null: it is of no machine. */
export function placeOf(name: string): { readonly namespace: string; readonly name: string } | null {
  const at = name.indexOf('/');
  const place = { namespace: name.slice(0, at), name: name.slice(at + 1) };
  return at > 0 && NAMESPACE.test(place.namespace) && NAME.test(place.name) ? place : null;
}

function placeIn(metadata: JsonObject | null): Pick<Machine, 'namespace' | 'name'> | null {
  const place = { namespace: textOf(metadata?.['namespace']) ?? '', name: textOf(metadata?.['name']) ?? '' };
  if (!NAMESPACE.test(place.namespace) || !NAME.test(place.name)) return null;
  return consoleName(place).length <= LONGEST_NAME ? place : null;
}

/** Without a phase it is new. */
function stateOf(status: JsonObject | null): Pick<Machine, 'phase' | 'node'> {
  const phase = textOf(status?.['phase']) ?? 'Pending';
  const node = textOf(status?.['nodeName']) ?? '';
  return { phase: PHASE.test(phase) ? phase : 'Unknown', node: NAME.test(node) ? node : '' };
}

/** Why a machine cannot be connected to; null: it can, for all that is known. */
export function phaseFault(phase: string): LocationFault | null {
  switch (phase) {
    case 'Pending':
    case 'Scheduling':
    case 'Scheduled':
      return 'building';
    case 'Succeeded':
    case 'Failed':
      return 'stopped';
    default:
      return null;
  }
}

function consoleName({ namespace, name }: Pick<Machine, 'namespace' | 'name'>): string {
  return `${namespace}/${name}`;
}

/** Of the VirtualMachine that owns it, or its own. */
function uidOf(item: JsonObject | null): string | null {
  const metadata = objectOf(item?.['metadata']);
  const owners = listOf(metadata?.['ownerReferences']) ?? [];
  const owner = owners
    .map(objectOf)
    .find((reference) => reference?.['kind'] === 'VirtualMachine' && reference['controller'] === true);
  const uid = textOf((owner ?? metadata)?.['uid'])?.toLowerCase();
  return uid !== undefined && UID.test(uid) ? uid : null;
}

function hasDisplay(spec: JsonObject | null): boolean {
  const devices = objectOf(objectOf(spec?.['domain'])?.['devices']);
  return devices?.['autoattachGraphicsDevice'] !== false;
}

function labelTags(labels: JsonObject | null): string[] {
  return Object.entries(labels ?? {})
    .filter(([key, value]) => typeof value === 'string' && !OWN_LABELS.test(key))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .slice(0, MAX_LABELS)
    .flatMap(([key, value]) => platformTag('label', `${key}=${String(value)}`));
}
