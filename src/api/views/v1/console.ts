// SPDX-License-Identifier: Apache-2.0
// A console in /v1. What is not named here is not shown: the ticket above all.
import { settledRecord, type SettledGuestPolicy } from '../../../objects/guest-policy-levels.js';
import type { ListedConsole } from '../../../objects/inventory.js';
import type { ListedName } from '../../../objects/access-list.js';
import { protocolIn } from '../../../objects/console-protocol.js';
import { tagsIn } from '../../../objects/console-row.js';
import type { AccessStanding } from '../../../policy.js';
import { selfLink } from './links.js';
import { isoTime } from './time.js';

/** The minor version in which consoles say who may open them. */
export const ACCESS_SINCE = 6;
/** The minor version in which consoles and sessions say whether they are recorded. */
export const RECORDED_SINCE = 7;

/** The minor version in which consoles say what they speak, and open in the browser. */
export const BROWSER_SINCE = 8;

/** What of a console is shown to somebody. */
export interface ShownParts {
  readonly hypervisor: boolean;
  readonly minor: number;
  /** What its list of access gives the user. */
  readonly standing: AccessStanding;
  /** Whom its list of access names; null: it is not told, or there is none. */
  readonly access: readonly ListedName[] | null;
  /** Absent: it is one of many. */
  readonly guestPolicy?: SettledGuestPolicy;
  /** Whether sessions that begin now are recorded; absent: it is one of many, or was not asked for. */
  readonly recorded?: boolean;
}

/**
 * A console. Only those who run the cloud see its hypervisor; whether it is locked is part of it since 1.1, its guest
 * data policy, where it is shown alone, since 1.4, its tags and who may open it since 1.6; whether it is recorded, where it is
 * shown alone, since 1.7, what it speaks since 1.8.
 * @param base of the API, such as `https://cloud:13002`
 */
export function viewConsole(console: ListedConsole, show: ShownParts, base: string): Record<string, unknown> {
  const id = consoleId(console);
  const { minor, guestPolicy, recorded } = show;
  return {
    id,
    source: console.source,
    instance_uuid: console.uuid,
    name: console.name,
    project_id: console.project_id,
    user_id: console.user_id,
    instance_state: console.instance_state,
    ...(minor < 1 ? {} : { locked: console.instance_locked === null ? null : console.instance_locked !== 0 }),
    ...(minor < ACCESS_SINCE ? {} : viewAccess(console, show)),
    created_at: isoTime(console.discovered),
    ...viewPlace(console, show.hypervisor),
    ...(minor < BROWSER_SINCE ? {} : { protocol: protocolIn(console.protocol) }),
    ...(minor < 4 || guestPolicy === undefined ? {} : { guest_policy: settledRecord(guestPolicy) }),
    ...(recorded === undefined ? {} : { recorded }),
    links: [selfLink(`${base}/v1/consoles/${id}`)],
  };
}

function viewAccess({ tags }: ListedConsole, { standing, access }: ShownParts): Record<string, unknown> {
  return {
    tags: tagsIn(tags),
    access_role: standing,
    access: access?.map(({ kind, name, role }) => ({ kind, name, role })) ?? null,
  };
}

/** Where it is. @param shown for those who run the cloud */
function viewPlace(console: ListedConsole, shown: boolean): Record<string, unknown> {
  return {
    host: shown ? console.instance_host : null,
    hypervisor: shown ? console.hypervisor : null,
    hypervisor_ip: shown ? console.hypervisor_ip : null,
    insecure_port: shown ? console.insecure_port : null,
    secure_port: shown ? console.secure_port : null,
    host_subject: shown ? console.host_subject : null,
  };
}

/** The name of a console in URLs: `<source>/<uuid>`, encoded. */
export function consoleId(console: { readonly source: string; readonly uuid: string }): string {
  return `${encodeURIComponent(console.source)}/${encodeURIComponent(console.uuid)}`;
}
