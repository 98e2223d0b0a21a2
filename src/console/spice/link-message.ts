// SPDX-License-Identifier: Apache-2.0
// The structs of the link stage, both ways: SpiceLinkHeader, SpiceLinkMess, SpiceLinkReply, the authentication
// words and the link result. Decoders take bytes that are complete; who waits for them are the state machines
// server-link.ts and client-link.ts. Source: protocol.h (layouts), reds.cpp (limits).
import {
  AUTH_MECHANISM,
  LINK_HEADER_BYTES,
  LINK_MESS_BYTES,
  LINK_REPLY_BYTES,
  LINK_WORD_BYTES,
  MAX_CAPS_WORDS,
  PUBKEY_BYTES,
  SPICE_MAGIC,
  SPICE_VERSION_MAJOR,
  SPICE_VERSION_MINOR,
  TICKET_BYTES,
} from './constants.js';
import { InvalidMessage, LimitExceeded } from './errors.js';
import { Reader } from './reader.js';
import { Writer } from './writer.js';

/** `SpiceLinkHeader`. */
export interface LinkHeader {
  magic: number;
  majorVersion: number;
  minorVersion: number;
  /** Bytes that follow the header. */
  size: number;
}

/** `SpiceLinkMess`: what a client asks for. */
export interface LinkMess {
  /** 0 on a new main channel, the session id on all others. */
  connectionId: number;
  channelType: number;
  channelId: number;
  commonCaps: number[];
  channelCaps: number[];
}

/** `SpiceLinkReply` without its error code. */
export interface LinkReply {
  /** DER SubjectPublicKeyInfo, 162 bytes. */
  publicKey: Buffer;
  commonCaps: number[];
  channelCaps: number[];
}

/**
 * Decodes `SpiceLinkHeader`; judges nothing.
 *
 * ```
 *  0 u32 magic   4 u32 major_version   8 u32 minor_version   12 u32 size
 * ```
 * @throws InvalidMessage when fewer than 16 bytes are given
 */
export function decodeLinkHeader(bytes: Buffer): LinkHeader {
  const reader = new Reader(bytes);
  return {
    magic: reader.u32('magic'),
    majorVersion: reader.u32('major_version'),
    minorVersion: reader.u32('minor_version'),
    size: reader.u32('size'),
  };
}

/**
 * Decodes `SpiceLinkMess` and its capability words; `body` is all that `size` of the header counts.
 * Bytes that no field covers are ignored, as spice-server does.
 *
 * ```
 *  0 u32 connection_id   4 u8 channel_type   5 u8 channel_id
 *  6 u32 num_common_caps  10 u32 num_channel_caps  14 u32 caps_offset
 *  caps_offset: u32 common_caps[], u32 channel_caps[]
 * ```
 * @throws InvalidMessage when a field lies outside of the body
 * @throws LimitExceeded when a group has more than 1024 words
 */
export function decodeLinkMess(body: Buffer): LinkMess {
  const reader = new Reader(body);
  const connectionId = reader.u32('connection_id');
  const channelType = reader.u8('channel_type');
  const channelId = reader.u8('channel_id');
  const caps = readCaps(reader, LINK_MESS_BYTES);
  return { connectionId, channelType, channelId, ...caps };
}

/** Encodes `SpiceLinkHeader` and `SpiceLinkMess` with the capability words right behind it. */
export function encodeLinkMess(mess: LinkMess): Buffer {
  const words = [...mess.commonCaps, ...mess.channelCaps];
  const size = LINK_MESS_BYTES + 4 * words.length;
  const writer = new Writer(LINK_HEADER_BYTES + size);
  writeHeader(writer, size)
    .u32(mess.connectionId)
    .u8(mess.channelType)
    .u8(mess.channelId)
    .u32(mess.commonCaps.length)
    .u32(mess.channelCaps.length)
    .u32(LINK_MESS_BYTES);
  words.forEach((word) => writer.u32(word));
  return writer.finish();
}

/**
 * Decodes `SpiceLinkReply`; `body` is all that `size` of the header counts. A reply with a non-zero error code
 * has nothing else to tell, so only the code is given.
 *
 * ```
 *  0 u32 error   4 u8 pub_key[162]
 *  166 u32 num_common_caps  170 u32 num_channel_caps  174 u32 caps_offset
 *  caps_offset: u32 common_caps[], u32 channel_caps[]
 * ```
 * @throws InvalidMessage when a field lies outside of the body
 * @throws LimitExceeded when a group has more than 1024 words
 */
export function decodeLinkReply(body: Buffer): { error: number; reply: LinkReply | null } {
  const reader = new Reader(body);
  const error = reader.u32('error');
  if (error !== 0) {
    return { error, reply: null };
  }
  const publicKey = reader.take('pub_key', PUBKEY_BYTES);
  return { error, reply: { publicKey, ...readCaps(reader, LINK_REPLY_BYTES) } };
}

/**
 * Encodes `SpiceLinkHeader` and a `SpiceLinkReply` without error: 194 bytes and the capability words.
 * @throws RangeError when the public key is not exactly 162 bytes
 */
export function encodeLinkReply(reply: LinkReply): Buffer {
  if (reply.publicKey.length !== PUBKEY_BYTES) {
    throw new RangeError(`a SPICE public key has ${PUBKEY_BYTES} bytes, not ${reply.publicKey.length}`);
  }
  const words = [...reply.commonCaps, ...reply.channelCaps];
  const size = LINK_REPLY_BYTES + 4 * words.length;
  const writer = new Writer(LINK_HEADER_BYTES + size);
  writeHeader(writer, size)
    .u32(0)
    .raw(reply.publicKey)
    .u32(reply.commonCaps.length)
    .u32(reply.channelCaps.length)
    .u32(LINK_REPLY_BYTES);
  words.forEach((word) => writer.u32(word));
  return writer.finish();
}

/** Encodes the 194 bytes of an error reply: a `SpiceLinkReply` whose fields after `error` are zero. */
export function encodeLinkError(code: number): Buffer {
  const writer = new Writer(LINK_HEADER_BYTES + LINK_REPLY_BYTES);
  return writeHeader(writer, LINK_REPLY_BYTES)
    .u32(code)
    .raw(Buffer.alloc(LINK_REPLY_BYTES - 4))
    .finish();
}

/** Encodes the link result, `u32 code`, that follows the ticket. */
export function encodeLinkResult(code: number): Buffer {
  return new Writer(LINK_WORD_BYTES).u32(code).finish();
}

/**
 * Encodes a client's authentication: `u32 mechanism` (1, only when `authSelection`) and the 128-byte ticket.
 * @throws RangeError when the ticket is not exactly 128 bytes
 */
export function encodeAuth(ciphertext: Buffer, authSelection: boolean): Buffer {
  if (ciphertext.length !== TICKET_BYTES) {
    throw new RangeError(`an encrypted ticket has ${TICKET_BYTES} bytes, not ${ciphertext.length}`);
  }
  if (!authSelection) {
    return ciphertext;
  }
  return new Writer(LINK_WORD_BYTES + TICKET_BYTES).u32(AUTH_MECHANISM.SPICE).raw(ciphertext).finish();
}

function writeHeader(writer: Writer, size: number): Writer {
  return writer.u32(SPICE_MAGIC).u32(SPICE_VERSION_MAJOR).u32(SPICE_VERSION_MINOR).u32(size);
}

// Both structs end in the same three fields and may point anywhere behind themselves.
function readCaps(reader: Reader, fixedBytes: number): { commonCaps: number[]; channelCaps: number[] } {
  const commonCount = capCount(reader, 'num_common_caps');
  const channelCount = capCount(reader, 'num_channel_caps');
  const fieldOffset = reader.offset;
  const capsOffset = reader.u32('caps_offset');
  if (commonCount + channelCount === 0) {
    return { commonCaps: [], channelCaps: [] };
  }
  if (capsOffset < fixedBytes) {
    throw new InvalidMessage('caps_offset', fieldOffset, `${capsOffset} lies inside of the struct`);
  }
  reader.seek('caps_offset', capsOffset);
  const commonCaps = Array.from({ length: commonCount }, () => reader.u32('common_caps'));
  const channelCaps = Array.from({ length: channelCount }, () => reader.u32('channel_caps'));
  return { commonCaps, channelCaps };
}

function capCount(reader: Reader, field: string): number {
  const count = reader.u32(field);
  if (count > MAX_CAPS_WORDS) {
    throw new LimitExceeded(field, MAX_CAPS_WORDS, count);
  }
  return count;
}
