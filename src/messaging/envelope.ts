// SPDX-License-Identifier: Apache-2.0
// The messages of oslo.messaging as bytes and as values. Version 2 of the envelope is an object whose member
// `oslo.message` holds the message as JSON in a string; version 1 (driver "messaging") is the message itself. Pure. The
// sender's context in a message (`_context_*`: users, tokens of older releases) is dropped here, before it can be logged or
// stored.

/** A notification of any service. */
export interface Notification {
  /** The sender's id of it, a UUID. */
  readonly messageId: string;
  /** Differs from messageId only when the transport sends the same message again; 32 hexadecimal digits. */
  readonly uniqueId: string;
  /** `nova-compute:host` (versioned) or `compute.host` (legacy). */
  readonly publisherId: string;
  /** `instance.power_off.end` and the like. */
  readonly eventType: string;
  /** In small letters: `info`, `error` ... */
  readonly priority: string;
  /** When the sender made it, by its clock, in epoch seconds with microseconds. */
  readonly timestamp: number;
  /** As the sender wrote it, not validated. */
  readonly payload: unknown;
}

/** A message from one of our own processes to all of them. */
export interface Cast {
  readonly method: string;
  readonly args: Readonly<Record<string, unknown>>;
  /** Names the process that sent it. */
  readonly origin: string;
  readonly uniqueId: string;
}

/** A decoded body: a value, or a fault that repeats none of it. */
export type Decoded<T> =
  | { readonly ok: true; readonly value: T }
  | {
      readonly ok: false;
      readonly fault: string;
      /** The message's id when it could still be found, else null. */
      readonly messageId: string | null;
    };

/** How a notification is wrapped: driver `messagingv2` or `messaging`. */
export type EnvelopeVersion = 2 | 1;

type Members = Readonly<Record<string, unknown>>;

const MAJOR_VERSION = '2';
const NAME_LENGTH = 255;
/** How much of a body that cannot be decoded is searched for its id. */
const SEARCHED_BYTES = 65_536;
const MESSAGE_ID = /\\?"message_id\\?"\s*:\s*\\?"(?<id>[0-9A-Za-z-]{1,64})\\?"/;
const TIMESTAMP =
  /^(?<day>\d{4}-\d\d-\d\d)[T ](?<clock>\d\d:\d\d:\d\d)(?:\.(?<fraction>\d{1,9}))?(?<zone>Z|[+-]\d\d:?\d\d)?$/;
const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** Ends the decoding of a body; becomes the fault of a Decoded. */
class Malformed extends Error {}

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseObject(text: string, what: string): Members {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's own words repeat a piece of the text, which may hold a token.
    throw new Malformed(`${what} is not JSON`);
  }
  if (isMembers(value)) return value;
  throw new Malformed(`${what} is not a JSON object`);
}

function readText(bytes: Buffer): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    throw new Malformed('the body is not UTF-8');
  }
}

/** The message inside a body, of either version. */
function unwrap(bytes: Buffer, maxBytes: number): Members {
  if (bytes.length > maxBytes)
    throw new Malformed(`the body has ${bytes.length} bytes, more than the ${maxBytes} that are read`);
  const outer = parseObject(readText(bytes), 'the body');
  const version = outer['oslo.version'];
  const message = outer['oslo.message'];
  if (version === undefined && message === undefined) return outer;
  if (typeof version !== 'string' || version.split('.', 1)[0] !== MAJOR_VERSION)
    throw new Malformed('oslo.version is not a version 2');
  if (typeof message !== 'string') throw new Malformed('oslo.message is not a string');
  return parseObject(message, 'oslo.message');
}

function demandName(members: Members, key: string): string {
  const value = members[key];
  if (typeof value !== 'string') throw new Malformed(`${key} is not a string`);
  if (value === '' || value.length > NAME_LENGTH)
    throw new Malformed(`${key} does not have 1 to ${NAME_LENGTH} characters`);
  return value;
}

function optionalName(members: Members, key: string): string | undefined {
  return members[key] === undefined ? undefined : demandName(members, key);
}

/**
 * Reads a time as oslo.utils writes it: `2026-08-21 09:59:07.123456`, UTC without a zone, or with one as ISO 8601 has it.
 *
 * @returns epoch seconds, or undefined when it is no time
 */
export function parseTimestamp(text: string): number | undefined {
  const parts = TIMESTAMP.exec(text)?.groups;
  if (parts === undefined) return undefined;
  const { day = '', clock = '', fraction = '0', zone = 'Z' } = parts;
  const whole = Date.parse(`${day}T${clock}${zone}`) / 1000;
  return Number.isNaN(whole) ? undefined : whole + Number(`0.${fraction}`);
}

/** A time as oslo.utils writes it. @param time epoch seconds */
export function formatTimestamp(time: number): string {
  const microseconds = Math.round((time - Math.floor(time)) * 1e6);
  const seconds = Math.floor(time) + Math.floor(microseconds / 1e6);
  const text = new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ');
  return `${text}.${String(microseconds % 1e6).padStart(6, '0')}`;
}

function readNotification(members: Members): Notification {
  const messageId = demandName(members, 'message_id');
  const time = members['timestamp'];
  const timestamp = typeof time === 'string' ? parseTimestamp(time) : undefined;
  if (timestamp === undefined) throw new Malformed('timestamp is not a time');
  if (!Object.hasOwn(members, 'payload')) throw new Malformed('payload is missing');
  return {
    messageId,
    uniqueId: optionalName(members, '_unique_id') ?? messageId,
    publisherId: demandName(members, 'publisher_id'),
    eventType: demandName(members, 'event_type'),
    priority: demandName(members, 'priority').toLowerCase(),
    timestamp,
    payload: members['payload'],
  };
}

function readCast(members: Members): Cast {
  const args = members['args'];
  if (!isMembers(args)) throw new Malformed('args is not an object');
  return {
    method: demandName(members, 'method'),
    args,
    origin: demandName(members, 'origin'),
    uniqueId: demandName(members, '_unique_id'),
  };
}

/** The id of a message in a body that could not be decoded, null when it is not found. */
function findMessageId(bytes: Buffer): string | null {
  const text = bytes.toString('latin1', 0, SEARCHED_BYTES);
  return MESSAGE_ID.exec(text)?.groups?.['id'] ?? null;
}

function decode<T>(bytes: Buffer, maxBytes: number, read: (members: Members) => T): Decoded<T> {
  try {
    return { ok: true, value: read(unwrap(bytes, maxBytes)) };
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    return { ok: false, fault: error.message, messageId: findMessageId(bytes) };
  }
}

/**
 * Reads a notification of either version of the envelope. Never throws.
 *
 * @param bytes the body
 * @param maxBytes a longer body is rejected unread
 */
export function decodeNotification(bytes: Buffer, maxBytes: number): Decoded<Notification> {
  return decode(bytes, maxBytes, readNotification);
}

/** Reads a message of {@link encodeCast}. Never throws. */
export function decodeCast(bytes: Buffer, maxBytes: number): Decoded<Cast> {
  return decode(bytes, maxBytes, readCast);
}

function wrap(message: Members): Buffer {
  return Buffer.from(
    JSON.stringify({ 'oslo.version': '2.0', 'oslo.message': JSON.stringify(message) }),
    'utf8',
  );
}

/**
 * Writes a notification.
 *
 * @throws TypeError when the payload has no JSON form
 */
export function encodeNotification(notification: Notification, version: EnvelopeVersion): Buffer {
  const message = {
    message_id: notification.messageId,
    publisher_id: notification.publisherId,
    event_type: notification.eventType,
    priority: notification.priority.toUpperCase(),
    payload: notification.payload,
    timestamp: formatTimestamp(notification.timestamp),
    _unique_id: notification.uniqueId,
  };
  switch (version) {
    case 2:
      return wrap(message);
    case 1:
      return Buffer.from(JSON.stringify(message), 'utf8');
  }
}

/** Writes a message to all processes, in the form of a cast of oslo.messaging. */
export function encodeCast(cast: Cast): Buffer {
  const { method, args, origin, uniqueId } = cast;
  return wrap({ method, args, version: '1.0', namespace: 'kerbside', origin, _unique_id: uniqueId });
}
