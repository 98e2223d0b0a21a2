// SPDX-License-Identifier: Apache-2.0
// The numbers of the SPICE protocol 2.2: magic and versions, limits, channel types, capability bits, link codes.
// Names are those of spice-protocol's protocol.h and enums.h without their SPICE_ prefixes. Every integer
// of the wire is little-endian and every struct is packed. Message types live in message-types.ts.

/** `SPICE_MAGIC` as u32, the bytes "REDQ" on the wire [protocol.h]. */
export const SPICE_MAGIC = 0x51444552;

/** `SPICE_VERSION_MAJOR`: the only major version that is spoken [protocol.h]. */
export const SPICE_VERSION_MAJOR = 2;

/** `SPICE_VERSION_MINOR`: sent, never judged when received [protocol.h, reds.cpp]. */
export const SPICE_VERSION_MINOR = 2;

/** Bytes of a `SpiceLinkHeader` [protocol.h]. */
export const LINK_HEADER_BYTES = 16;

/** Bytes of a `SpiceLinkMess` without its capability words [protocol.h]. */
export const LINK_MESS_BYTES = 18;

/** Bytes of a `SpiceLinkReply` without its capability words [protocol.h]. */
export const LINK_REPLY_BYTES = 178;

/** Least legal `SpiceLinkHeader.size` of a client, bytes [reds.cpp]. */
export const LINK_SIZE_MIN = 18;

/** Largest legal `SpiceLinkHeader.size` of either peer, bytes [reds.cpp]. */
export const LINK_SIZE_MAX = 4096;

/** Largest legal count of capability words in one group; honest peers send one or none [reds.cpp]. */
export const MAX_CAPS_WORDS = 1024;

/** Bytes of `SpiceLinkEncryptedTicket`: one block of RSA-1024 [protocol.h]. */
export const TICKET_BYTES = 128;

/** Bytes of `SpiceLinkAuthMechanism` and of the link result [protocol.h]. */
export const LINK_WORD_BYTES = 4;

/** `SPICE_TICKET_PUBKEY_BYTES`: DER SubjectPublicKeyInfo of an RSA-1024 key [protocol.h]. */
export const PUBKEY_BYTES = 162;

/** `SPICE_MAX_PASSWORD_LENGTH`: longest ticket text, bytes, without its NUL [protocol.h]. */
export const MAX_PASSWORD_BYTES = 60;

/** Most bytes that may wait unparsed in the link stage, before the chunk that is being added. */
export const LINK_PENDING_MAX = 8192;

/** `SpiceLinkAuthMechanism` values; the numbers are the bits of the AUTH_* capabilities [protocol.h]. */
export const AUTH_MECHANISM = { SPICE: 1, SASL: 2 } as const;

/** Channel types [enums.h `SpiceChannelType`]. `tunnel` is dead: it has a number and no messages. */
export const CHANNEL = {
  main: 1,
  display: 2,
  inputs: 3,
  cursor: 4,
  playback: 5,
  record: 6,
  tunnel: 7,
  smartcard: 8,
  usbredir: 9,
  port: 10,
  webdav: 11,
} as const;

/** Name of a channel type, as used in options, audit events, metrics and `.vv` files. */
export type ChannelName = keyof typeof CHANNEL;

const CHANNEL_NAMES = new Map<number, ChannelName>(
  (Object.entries(CHANNEL) as [ChannelName, number][]).map(([name, type]) => [type, name]),
);

/** The name of a channel type, or null when the protocol knows no such type. */
export function channelName(type: number): ChannelName | null {
  return CHANNEL_NAMES.get(type) ?? null;
}

/** Whether a text is the name of a channel type. */
export function isChannelName(text: string): text is ChannelName {
  return Object.hasOwn(CHANNEL, text);
}

/**
 * Link codes, in a `SpiceLinkReply` or as the link result [enums.h `SpiceLinkErr`]. A client asks its user for
 * a password on any non-zero *result*, and fails without a prompt on a non-zero code in the *reply*.
 */
export const LINK_ERR = {
  OK: 0,
  ERROR: 1,
  INVALID_MAGIC: 2,
  INVALID_DATA: 3,
  VERSION_MISMATCH: 4,
  NEED_SECURED: 5,
  NEED_UNSECURED: 6,
  PERMISSION_DENIED: 7,
  BAD_CONNECTION_ID: 8,
  CHANNEL_NOT_AVAILABLE: 9,
} as const;

/** Bit numbers of the common capabilities [protocol.h `SPICE_COMMON_CAP_*`]. */
export const COMMON_CAP = {
  PROTOCOL_AUTH_SELECTION: 0,
  AUTH_SPICE: 1,
  AUTH_SASL: 2,
  MINI_HEADER: 3,
} as const;

/** Bit numbers of the main channel's capabilities [protocol.h `SPICE_MAIN_CAP_*`]. */
export const MAIN_CAP = {
  SEMI_SEAMLESS_MIGRATE: 0,
  NAME_AND_UUID: 1,
  AGENT_CONNECTED_TOKENS: 2,
  SEAMLESS_MIGRATE: 3,
  /** Kerbside's own: the client wants RFB on this channel, from ServerInit on. No header of spice-protocol has it. */
  KERBSIDE_RFB: 31,
} as const;

/** Bit numbers of the display channel's capabilities [protocol.h `SPICE_DISPLAY_CAP_*`]. */
export const DISPLAY_CAP = {
  SIZED_STREAM: 0,
  MONITORS_CONFIG: 1,
  COMPOSITE: 2,
  A8_SURFACE: 3,
  STREAM_REPORT: 4,
  LZ4_COMPRESSION: 5,
  PREF_COMPRESSION: 6,
  GL_SCANOUT: 7,
  MULTI_CODEC: 8,
  CODEC_MJPEG: 9,
  CODEC_VP8: 10,
  CODEC_H264: 11,
  PREF_VIDEO_CODEC_TYPE: 12,
  CODEC_VP9: 13,
  CODEC_H265: 14,
} as const;

/** Bit numbers of the inputs channel's capabilities [protocol.h `SPICE_INPUTS_CAP_*`]. */
export const INPUTS_CAP = { KEY_SCANCODE: 0 } as const;

/** Bit numbers of the playback channel's capabilities [protocol.h `SPICE_PLAYBACK_CAP_*`]. */
export const PLAYBACK_CAP = { CELT_0_5_1: 0, VOLUME: 1, LATENCY: 2, OPUS: 3 } as const;

/** Bit numbers of the record channel's capabilities [protocol.h `SPICE_RECORD_CAP_*`]. */
export const RECORD_CAP = { CELT_0_5_1: 0, VOLUME: 1, OPUS: 2 } as const;

/** Bit numbers of the usbredir, port and webdav channels' capabilities [protocol.h `SPICE_SPICEVMC_CAP_*`]. */
export const SPICEVMC_CAP = { DATA_COMPRESS_LZ4: 0 } as const;
