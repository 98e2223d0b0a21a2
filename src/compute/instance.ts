// SPDX-License-Identifier: Apache-2.0
// A server of Nova as far as its console goes: whose it is, where it runs, and whether it has a screen now.
import type { InstanceFault } from '../objects/instance-fault.js';

/** One server. */
export interface Instance {
  readonly uuid: string;
  readonly name: string;
  readonly projectId: string;
  readonly userId: string;
  /** ACTIVE, SHUTOFF, ... */
  readonly status: string;
  readonly taskState: string | null;
  /** OS-EXT-SRV-ATTR:host; null when it has none, or the caller is no administrator. */
  readonly host: string | null;
  readonly flavor: InstanceFlavor;
  /** null: it boots from a volume. */
  readonly imageId: string | null;
  /** What its owner has written on it. */
  readonly metadata: Members;
}

/** Members of JSON whose values nobody has looked at. */
export type Members = Readonly<Record<string, unknown>>;

/** What an answer says of the flavor. `hidden`: not its extra specs, though the microversion has them. */
export type InstanceFlavor =
  | { readonly kind: 'embedded'; readonly extraSpecs: Members }
  | { readonly kind: 'named'; readonly id: string }
  | { readonly kind: 'hidden' };

const GONE = ['DELETED', 'SOFT_DELETED'];
const NOT_RUNNING = ['SHUTOFF', 'SUSPENDED', 'SHELVED', 'SHELVED_OFFLOADED'];
const GOING = ['deleting', 'soft-deleting'];
const MOVING = [
  'migrating',
  'resize_prep',
  'resize_migrating',
  'resize_migrated',
  'resize_finish',
  'rebuilding',
  'shelving',
  'shelving_offloading',
];

/** Reads the `server` of an answer; null when it is none. */
export function readInstance(json: unknown): Instance | null {
  const server = memberOf(json, 'server');
  const uuid = textOf(server, 'id');
  const status = textOf(server, 'status');
  if (uuid === null || status === null) return null;
  return {
    uuid,
    status,
    name: textOf(server, 'name') ?? uuid,
    projectId: textOf(server, 'tenant_id') ?? '',
    userId: textOf(server, 'user_id') ?? '',
    taskState: textOf(server, 'OS-EXT-STS:task_state'),
    host: textOf(server, 'OS-EXT-SRV-ATTR:host'),
    flavor: readFlavor(memberOf(server, 'flavor')),
    imageId: textOf(memberOf(server, 'image'), 'id'),
    metadata: membersOf(memberOf(server, 'metadata')) ?? {},
  };
}

function readFlavor(flavor: unknown): InstanceFlavor {
  const extraSpecs = membersOf(memberOf(flavor, 'extra_specs'));
  if (extraSpecs !== null) return { kind: 'embedded', extraSpecs };
  const id = textOf(flavor, 'id');
  return id === null ? { kind: 'hidden' } : { kind: 'named', id };
}

/** An object of JSON; null when it is none. */
export function membersOf(json: unknown): Members | null {
  return typeof json === 'object' && json !== null && !Array.isArray(json) ? (json as Members) : null;
}

/** Why the server has no console now; null when it should have one. */
export function consoleFault({
  status,
  taskState,
}: Pick<Instance, 'status' | 'taskState'>): InstanceFault | null {
  const task = taskState ?? '';
  if (GONE.includes(status) || GOING.includes(task)) return 'gone';
  if (MOVING.includes(task)) return 'moving';
  if (NOT_RUNNING.includes(status)) return 'stopped';
  return status === 'BUILD' ? 'building' : null;
}

/** A member of an object that came as JSON; undefined when there is none. */
export function memberOf(json: unknown, name: string): unknown {
  return typeof json === 'object' && json !== null
    ? (json as Readonly<Record<string, unknown>>)[name]
    : undefined;
}

/** A member that is a text; null when it is none. */
export function textOf(json: unknown, name: string): string | null {
  const value = memberOf(json, name);
  return typeof value === 'string' && value !== '' ? value : null;
}

/** A port from 1 to 65535, as a number or as text; null when it is none. */
export function portOf(json: unknown, name: string): number | null {
  const value = memberOf(json, name);
  const port = typeof value === 'number' || typeof value === 'string' ? Number(value) : 0;
  return Number.isInteger(port) && port >= 1 && port <= 65_535 ? port : null;
}
