// SPDX-License-Identifier: Apache-2.0
// The procedures of libvirt that Kerbside calls, and the events that it hears: their numbers, arguments and answers
// (remote_protocol.x), and errors (remote_error there, codes of virterror.h). Pure; every text and list is bounded.
import { XdrReader, xdrI32, xdrOptionalString, xdrString, xdrU32 } from './xdr.js';

/** enum remote_procedure. */
export const PROCEDURE = {
  connectOpen: 1,
  domainGetXmlDesc: 14,
  domainLookupByUuid: 24,
  connectSupportsFeature: 60,
  authList: 66,
  authPolkit: 70,
  connectListAllDomains: 273,
  connectDomainEventCallbackRegisterAny: 316,
} as const;

/** enum remote_auth_type. */
export const AUTH = { none: 0, sasl: 1, polkit: 2 } as const;

/** VIR_CONNECT_RO of virConnectFlags. */
export const CONNECT_READ_ONLY = 1;
/** VIR_CONNECT_LIST_DOMAINS_ACTIVE. */
export const LIST_ACTIVE = 1;
/** VIR_DOMAIN_XML_SECURE: with passwords; refused on a read-only connection. */
export const XML_SECURE = 1;
/** VIR_DRV_FEATURE_PROGRAM_KEEPALIVE: a server that was asked for it sends pings. */
export const FEATURE_KEEPALIVE = 10;

/** virDomainEventID: those that tell of a guest that starts, stops, moves, is reset, or gets another title. */
export const EVENT = { lifecycle: 0, reboot: 1, metadataChange: 23 } as const;

/** virErrorNumber, as far as faults have words of their own. */
export const ERROR = {
  noDomain: 42,
  operationDenied: 29,
  authFailed: 45,
  noSupport: 3,
  noConnect: 5,
} as const;

/** A guest as lists and events name it. */
export interface Domain {
  readonly name: string;
  /** Lower case, with hyphens. */
  readonly uuid: string;
  /** The number that it has while it runs; another one after each start. -1: it does not run. */
  readonly id: number;
}

/** Why a call failed, as the server says it. */
export interface RemoteError {
  readonly code: number;
  readonly message: string;
}

/** REMOTE_STRING_MAX, for the description of a guest. */
const MAX_XML_BYTES = 4 * 1024 * 1024;
/** Bytes of a name; libvirt makes files of it, so that it has fewer than 256. */
const MAX_NAME_BYTES = 4096;
const MAX_MESSAGE_BYTES = 65_536;
/** REMOTE_DOMAIN_LIST_MAX. */
const MAX_DOMAINS = 16_384;
/** REMOTE_AUTH_TYPE_LIST_MAX. */
const MAX_AUTH_TYPES = 20;
const UUID_BYTES = 16;
const SMALLEST_DOMAIN = 4 + UUID_BYTES + 4;

/** remote_connect_open_args. */
export function connectOpenArgs(uri: string, readOnly: boolean): Buffer {
  return Buffer.concat([xdrOptionalString(uri), xdrU32(readOnly ? CONNECT_READ_ONLY : 0)]);
}

/** remote_connect_supports_feature_args. */
export function supportsFeatureArgs(feature: number): Buffer {
  return xdrI32(feature);
}

/** remote_connect_list_all_domains_args. */
export function listAllDomainsArgs(flags: number): Buffer {
  return Buffer.concat([xdrI32(1), xdrU32(flags)]);
}

/** remote_domain_get_xml_desc_args. */
export function domainGetXmlDescArgs({ name, uuid, id }: Domain, flags: number): Buffer {
  return Buffer.concat([xdrString(name), uuidBytes(uuid), xdrI32(id), xdrU32(flags)]);
}

/** remote_domain_lookup_by_uuid_args. */
export function domainLookupByUuidArgs(uuid: string): Buffer {
  return uuidBytes(uuid);
}

/** remote_connect_domain_event_callback_register_any_args, for all guests. */
export function registerAnyArgs(event: number): Buffer {
  return Buffer.concat([xdrI32(event), xdrU32(0)]);
}

/** remote_auth_list_ret. @throws XdrFault */
export function authTypes(payload: Buffer): number[] {
  const reader = new XdrReader(payload);
  return reader.list(MAX_AUTH_TYPES, 4, () => reader.i32());
}

/** remote_connect_list_all_domains_ret. @throws XdrFault */
export function allDomains(payload: Buffer): Domain[] {
  const reader = new XdrReader(payload);
  return reader.list(MAX_DOMAINS, SMALLEST_DOMAIN, () => domainIn(reader));
}

/** remote_domain_lookup_by_uuid_ret. @throws XdrFault */
export function oneDomain(payload: Buffer): Domain {
  return domainIn(new XdrReader(payload));
}

/** remote_domain_get_xml_desc_ret. @throws XdrFault */
export function xmlDesc(payload: Buffer): string {
  return new XdrReader(payload).string(MAX_XML_BYTES);
}

/** The guest of an event of any kind: a callback's number, and the guest, come first in all of them. @throws XdrFault */
export function eventDomain(payload: Buffer): Domain {
  const reader = new XdrReader(payload);
  reader.i32();
  return domainIn(reader);
}

/** remote_error, as far as it is shown. @throws XdrFault */
export function remoteError(payload: Buffer): RemoteError {
  const reader = new XdrReader(payload);
  const code = reader.i32();
  reader.i32();
  return { code, message: reader.optionalString(MAX_MESSAGE_BYTES) ?? '' };
}

function domainIn(reader: XdrReader): Domain {
  const name = reader.string(MAX_NAME_BYTES);
  const uuid = uuidText(reader.fixed(UUID_BYTES));
  return { name, uuid, id: reader.i32() };
}

function uuidBytes(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex');
}

function uuidText(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)];
  return parts.join('-');
}
