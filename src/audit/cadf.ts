// SPDX-License-Identifier: Apache-2.0
// An audit event as a CADF event (DMTF DSP0262, 1.0.0) in the JSON form of pycadf, which keystonemiddleware's audit sends over
// oslo.messaging: initiator, action, target, outcome, observer. What CADF has no member for is its attachment.
import type { SealedEvent } from '../objects/audit-digest.js';
import { meaningOf } from './meaning.js';

/** A CADF event. */
export type CadfEvent = Readonly<Record<string, unknown>>;

const EVENT = 'http://schemas.dmtf.org/cloud/audit/1.0/event';
const USER = 'service/security/account/user';
const SERVICE = 'service/compute/kerbside';
const CONSOLE = 'service/compute/kerbside/console';
/** pycadf's word for what is not known. */
const UNKNOWN = 'unknown';

/**
 * The CADF event. Its id is made of the digest: the same event that comes again has the same one.
 *
 * @param node the node whose conductor sends it, for an event that names none
 */
export function cadfEvent(event: SealedEvent, node: string): CadfEvent {
  const { action, outcome } = meaningOf(event);
  return {
    typeURI: EVENT,
    eventType: 'activity',
    id: eventUuid(event),
    eventTime: cadfTime(event.timestamp),
    ...{ action, outcome },
    ...(outcome === 'failure' ? { reason: { reasonType: 'Kerbside', reasonCode: event.message } } : {}),
    initiator: initiatorOf(event),
    target: targetOf(event),
    observer: { id: event.node ?? node, typeURI: SERVICE, name: event.service ?? 'kerbside' },
    attachments: [{ name: 'audit_event', contentType: 'application/json', content: event }],
  };
}

/** A UUID of version 8 (RFC 9562, 5.8) out of the digest of an event. */
export function eventUuid({ digest }: Pick<SealedEvent, 'digest'>): string {
  const [a, b, c, d, e] = [
    [0, 8],
    [8, 12],
    [13, 16],
    [17, 20],
    [20, 32],
  ].map(([from, to]) => digest.slice(from, to));
  return `${a}-${b}-8${c}-8${d}-${e}`;
}

/** A time as pycadf writes it: UTC with microseconds and the offset +0000. @param time epoch seconds */
function cadfTime(time: number): string {
  const micros = Math.round(time * 1e6);
  const whole = new Date(Math.floor(micros / 1000)).toISOString().slice(0, 23);
  return `${whole}${String(micros % 1000).padStart(3, '0')}+0000`;
}

function initiatorOf(event: SealedEvent): Record<string, unknown> {
  const address = event.request_ip ?? event.client_ip;
  const host = address === null ? {} : { host: { address } };
  const request = event.request_id === null ? {} : { request_id: event.request_id };
  if (event.requested_by === 'service' || event.requested_by === 'notification')
    return { typeURI: SERVICE, id: event.node ?? UNKNOWN, name: event.service ?? event.requested_by };
  // Where nobody asked for it, it is about the user of the session.
  const asked = event.requested_by !== null;
  const name = (asked ? event.request_user : event.issued_to) ?? UNKNOWN;
  const id = (asked ? event.request_user_id : null) ?? name;
  return { typeURI: USER, id, name, ...host, ...request };
}

function targetOf({ source, uuid, node }: SealedEvent): Record<string, unknown> {
  if (uuid !== '') return { typeURI: CONSOLE, id: uuid, name: `${source}/${uuid}` };
  return { typeURI: SERVICE, id: source === '' ? (node ?? UNKNOWN) : source, name: source || 'kerbside' };
}
