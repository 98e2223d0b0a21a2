// SPDX-License-Identifier: Apache-2.0
// Lists of access: who may see, open or operate a console, as `access` in sources.yaml says it. An entry names projects, users
// and groups, and may hold for consoles with certain tags only; without any name it is for everybody who has logged in. What
// the entries come to for one console is its list: a role for each name. Pure.
import { hash } from 'node:crypto';

/** What a list lets somebody do; each role includes those before it. */
export type AccessRole = 'view' | 'open' | 'operate';

/** The roles, the least first. */
export const ACCESS_ROLES: readonly AccessRole[] = ['view', 'open', 'operate'];

/** One entry of `access`. */
export interface AccessEntry {
  readonly role: AccessRole;
  readonly projects?: readonly string[];
  readonly users?: readonly string[];
  readonly groups?: readonly string[];
  /** Only for consoles with one of these; absent: for all. */
  readonly tags?: readonly string[];
}

/** What entries come to for one console: roles by name, as {@link principalsOf} writes names. */
export type AccessList = ReadonlyMap<string, AccessRole>;

/** By what somebody is known. */
export interface Known {
  readonly user?: string | undefined;
  readonly userId?: string | undefined;
  readonly projectId?: string | undefined;
  readonly groups?: readonly string[] | undefined;
}

/** Whom a list names, for people. */
export interface ListedName {
  readonly kind: 'everybody' | 'project' | 'user' | 'group';
  /** null for everybody. */
  readonly name: string | null;
  readonly role: AccessRole;
}

const EVERYBODY = '*';
const ID_LENGTH = 32;

/** The names under which lists may know somebody who has logged in. */
export function principalsOf({ user, userId, projectId, groups = [] }: Known): string[] {
  return [
    ...new Set([
      EVERYBODY,
      ...(user === undefined ? [] : [`user:${user}`]),
      ...(userId === undefined ? [] : [`user:${userId}`]),
      ...(projectId === undefined ? [] : [`project:${projectId}`]),
      ...groups.map((group) => `group:${group}`),
    ]),
  ];
}

/** The list of a console with these tags. */
export function listFor(entries: readonly AccessEntry[], tags: readonly string[]): AccessList {
  const list = new Map<string, AccessRole>();
  for (const entry of entries) {
    if (entry.tags !== undefined && !entry.tags.some((tag) => tags.includes(tag))) continue;
    for (const name of namesIn(entry)) list.set(name, greater(list.get(name), entry.role));
  }
  return list;
}

/** What a list is called: the same names and roles give the same. */
export function accessIdOf(list: AccessList): string {
  const rows = [...list].sort(([a], [b]) => (a < b ? -1 : 1));
  return hash('sha256', JSON.stringify(rows)).slice(0, ID_LENGTH);
}

/** The most that a list lets those do who have one of these names; null: nothing. */
export function roleIn(list: AccessList, principals: readonly string[]): AccessRole | null {
  let found: AccessRole | undefined;
  for (const name of principals) {
    const role = list.get(name);
    if (role !== undefined) found = greater(found, role);
  }
  return found ?? null;
}

/** The greater of two roles. */
export function greater(a: AccessRole | undefined, b: AccessRole): AccessRole {
  return a !== undefined && ACCESS_ROLES.indexOf(a) > ACCESS_ROLES.indexOf(b) ? a : b;
}

/** A text as a role; null: it is none. */
export function accessRoleOf(text: unknown): AccessRole | null {
  return ACCESS_ROLES.find((role) => role === text) ?? null;
}

/** A name as people read it; null: it is none. */
export function listedName(principal: string, role: AccessRole): ListedName | null {
  if (principal === EVERYBODY) return { kind: 'everybody', name: null, role };
  const [, kind, name] = /^(project|user|group):(.+)$/s.exec(principal) ?? [];
  if (kind !== 'project' && kind !== 'user' && kind !== 'group') return null;
  return { kind, name: name ?? '', role };
}

/** What a row keeps of entries: their keys as in sources.yaml, always in the same order. */
export function entriesAsJson(entries: readonly AccessEntry[]): unknown[] {
  return entries.map(({ role, projects, users, groups, tags }) => ({ role, projects, users, groups, tags }));
}

/** Entries that a row keeps. One that this version cannot read lets nobody in, and still is one: a console stays closed. */
export function entriesIn(json: unknown): AccessEntry[] {
  if (!Array.isArray(json)) return [];
  return (json as unknown[]).flatMap((item) => {
    const record: Record<string, unknown> = typeof item === 'object' && item !== null ? { ...item } : {};
    const role = accessRoleOf(record['role']);
    if (role === null) return [];
    const of = (key: string): { [key: string]: string[] } => {
      const value = record[key];
      return Array.isArray(value) ? { [key]: value.map(String) } : {};
    };
    return [{ role, ...of('projects'), ...of('users'), ...of('groups'), ...of('tags') }];
  });
}

function namesIn({ projects, users, groups }: AccessEntry): string[] {
  if (projects === undefined && users === undefined && groups === undefined) return [EVERYBODY];
  return [
    ...(projects ?? []).map((name) => `project:${name}`),
    ...(users ?? []).map((name) => `user:${name}`),
    ...(groups ?? []).map((name) => `group:${name}`),
  ];
}
