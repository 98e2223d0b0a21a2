// SPDX-License-Identifier: Apache-2.0
// A console in /v1. What is not named here is not shown: the ticket above all.
import { settledRecord, type SettledGuestPolicy } from '../../../objects/guest-policy-levels.js';
import type { ListedConsole } from '../../../objects/inventory.js';
import { selfLink } from './links.js';
import { isoTime } from './time.js';

/**
 * A console. Only those who run the cloud see its hypervisor; whether it is locked is part of it since 1.1, and its guest
 * data policy, where it is shown alone, since 1.4.
 * @param base of the API, such as `https://cloud:13002`
 */
export function viewConsole(
  console: ListedConsole,
  show: {
    readonly hypervisor: boolean;
    readonly minor: number;
    readonly guestPolicy?: SettledGuestPolicy;
  },
  base: string,
): Record<string, unknown> {
  const id = consoleId(console);
  const { hypervisor, guestPolicy } = show;
  return {
    id,
    source: console.source,
    instance_uuid: console.uuid,
    name: console.name,
    project_id: console.project_id,
    user_id: console.user_id,
    instance_state: console.instance_state,
    ...(show.minor < 1
      ? {}
      : { locked: console.instance_locked === null ? null : console.instance_locked !== 0 }),
    created_at: isoTime(console.discovered),
    host: hypervisor ? console.instance_host : null,
    hypervisor: hypervisor ? console.hypervisor : null,
    hypervisor_ip: hypervisor ? console.hypervisor_ip : null,
    insecure_port: hypervisor ? console.insecure_port : null,
    secure_port: hypervisor ? console.secure_port : null,
    host_subject: hypervisor ? console.host_subject : null,
    ...(show.minor < 4 || guestPolicy === undefined ? {} : { guest_policy: settledRecord(guestPolicy) }),
    links: [selfLink(`${base}/v1/consoles/${id}`)],
  };
}

/** The name of a console in URLs: `<source>/<uuid>`, encoded. */
export function consoleId(console: { readonly source: string; readonly uuid: string }): string {
  return `${encodeURIComponent(console.source)}/${encodeURIComponent(console.uuid)}`;
}
