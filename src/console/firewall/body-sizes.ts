// SPDX-License-Identifier: Apache-2.0
// How large the body of each message may be: from the fixed part of its layout (spice.proto) to the most that its receiver
// takes, or that a message of its kind can be. spice-server ends a channel whose client sends more than its buffer holds
// (main-channel-client.cpp, common-graphics-channel.h, inputs-channel-client.h); a client takes whatever a server claims.
import type { Direction } from '../relay/stage.js';
import { AGENT_DATA_MAX_BYTES } from '../spice/agent-protocol.js';
import type { ChannelName } from '../spice/constants.js';
import { CLIENT_MESSAGE, SERVER_MESSAGE } from '../spice/message-types.js';

/** Which sizes of a body are good, in bytes. */
export interface BodySize {
  readonly least: number;
  /** Infinity: what the deployment allows. */
  readonly most: number;
  /** Behind the `least` bytes come entries of this size; 1: any bytes. */
  readonly entry: number;
}

/** The sizes of one direction of a channel by message type. */
export type BodySizes = ReadonlyMap<number, BodySize>;

const KIB = 1024;
const MIB = 1024 * KIB;
/** What spice-server takes of a client, in bytes of a body. */
const SERVER_TAKES = { main: 4096 + 11 * AGENT_DATA_MAX_BYTES, graphics: 1024, inputs: 2048 } as const;
/** The largest body of a client's message with audio, in bytes: five seconds of 48 kHz stereo. */
const MAX_AUDIO = MIB;
/** QEMU's smartcard reader takes messages of this size, header included [ccid-card-passthru.c `VSCARD_IN_SIZE`]. */
const MAX_SMARTCARD = 64 * KIB;
/** The first PING after MAIN_INIT has 256 000 bytes of padding. */
const MAX_PING = MIB;
const MAX_TEXT = 4 * KIB;
const MAX_NOTIFY = 16 * KIB;
const MAX_MONITORS = 256;
/** Compressed data holds what would have been one DATA: of spice-server 64 KiB at most. */
const MAX_COMPRESSED = MIB;

const exactly = (bytes: number): BodySize => ({ least: bytes, most: bytes, entry: 1 });
const from = (least: number, most = Infinity): BodySize => ({ least, most, entry: 1 });
const entries = (least: number, entry: number, count: number): BodySize => ({
  ...{ least, most: least + entry * count, entry },
});
const EMPTY = exactly(0);
const WORD = exactly(4);
const ANY = from(0);
const U8_COUNT = 255;
const U16_COUNT = 65_535;

const COMMON_UP = (most: number): Readonly<Record<keyof typeof CLIENT_MESSAGE.common, BodySize>> => ({
  ACK_SYNC: WORD,
  ACK: EMPTY,
  PONG: from(12, most),
  MIGRATE_FLUSH_MARK: EMPTY,
  MIGRATE_DATA: ANY,
  DISCONNECTING: exactly(12),
});

const COMMON_DOWN: Readonly<Record<keyof typeof SERVER_MESSAGE.common, BodySize>> = {
  MIGRATE: WORD,
  MIGRATE_DATA: ANY,
  SET_ACK: exactly(8),
  PING: from(12, 12 + MAX_PING),
  WAIT_FOR_CHANNELS: entries(1, 10, U8_COUNT),
  DISCONNECTING: exactly(12),
  NOTIFY: from(24, 24 + MAX_NOTIFY),
  LIST: from(2),
};

const DATA = { DATA: ANY, COMPRESSED_DATA: from(1, MAX_COMPRESSED) } as const;

/** u32 type, u32 reader_id, u32 length, data [vscard_common.h `VSCMsgHeader`]. */
const SMARTCARD = { DATA: from(12, MAX_SMARTCARD) } as const;

type SizesOf<Messages> = Readonly<Record<keyof Messages, BodySize | null>>;
type Tables<Of extends Readonly<Record<ChannelName | 'common', unknown>>> = {
  readonly [Name in Exclude<ChannelName, 'tunnel'>]: SizesOf<Of[Name]>;
};

/** null: spice-server has no handler for the message, and ends the channel. */
const UP: Tables<typeof CLIENT_MESSAGE & { tunnel: unknown }> = {
  main: {
    CLIENT_INFO: null,
    MIGRATE_CONNECTED: EMPTY,
    MIGRATE_CONNECT_ERROR: EMPTY,
    ATTACH_CHANNELS: EMPTY,
    MOUSE_MODE_REQUEST: exactly(2),
    AGENT_START: WORD,
    AGENT_DATA: from(0, AGENT_DATA_MAX_BYTES),
    AGENT_TOKEN: WORD,
    MIGRATE_END: EMPTY,
    MIGRATE_DST_DO_SEAMLESS: WORD,
    MIGRATE_CONNECTED_SEAMLESS: EMPTY,
    QUALITY_INDICATOR: null,
  },
  display: {
    INIT: exactly(14),
    STREAM_REPORT: exactly(32),
    PREFERRED_COMPRESSION: exactly(1),
    GL_DRAW_DONE: EMPTY,
    PREFERRED_VIDEO_CODEC_TYPE: entries(1, 1, U8_COUNT),
  },
  inputs: {
    KEY_DOWN: WORD,
    KEY_UP: WORD,
    KEY_MODIFIERS: exactly(2),
    KEY_SCANCODE: from(1, SERVER_TAKES.inputs),
    // spice-html5 sends it with the eleventh byte of a MOUSE_POSITION, which a server does not look at.
    MOUSE_MOTION: from(10, 11),
    MOUSE_POSITION: exactly(11),
    MOUSE_PRESS: exactly(3),
    MOUSE_RELEASE: exactly(3),
  },
  cursor: {},
  playback: {},
  record: { DATA: from(4, MAX_AUDIO), MODE: from(6, MAX_AUDIO), START_MARK: WORD },
  smartcard: SMARTCARD,
  usbredir: DATA,
  port: { ...DATA, EVENT: exactly(1) },
  webdav: { ...DATA, EVENT: exactly(1) },
};

/** u16 port, u16 sport, and two pairs of u32 size and u32 offset of a string. */
const DESTINATION = 20;
/** u32 surface_id, Rect box, Clip of type none. */
const DRAW = 21;
const RECT = 16;
const MASK = 13;
/** u32 offset of an image, a path or a string. */
const POINTER = 4;
/** u8 type of none. */
const BRUSH = 1;
const ROP = 2;
const SCALE = 1;
const PORT_EVENTS = { INIT: from(9, 9 + MAX_TEXT), EVENT: exactly(1) } as const;

const DOWN: Tables<typeof SERVER_MESSAGE & { tunnel: unknown }> = {
  main: {
    MIGRATE_BEGIN: from(DESTINATION, DESTINATION + MAX_TEXT),
    MIGRATE_CANCEL: EMPTY,
    INIT: exactly(32),
    CHANNELS_LIST: entries(4, 2, KIB),
    MOUSE_MODE: WORD,
    MULTI_MEDIA_TIME: WORD,
    AGENT_CONNECTED: EMPTY,
    AGENT_DISCONNECTED: WORD,
    AGENT_DATA: from(0, AGENT_DATA_MAX_BYTES),
    AGENT_TOKEN: WORD,
    MIGRATE_SWITCH_HOST: from(DESTINATION, DESTINATION + MAX_TEXT),
    MIGRATE_END: EMPTY,
    NAME: from(4, 4 + MAX_TEXT),
    UUID: exactly(16),
    AGENT_CONNECTED_TOKENS: WORD,
    MIGRATE_BEGIN_SEAMLESS: from(DESTINATION + 4, DESTINATION + 4 + MAX_TEXT),
    MIGRATE_DST_SEAMLESS_ACK: EMPTY,
    MIGRATE_DST_SEAMLESS_NACK: EMPTY,
  },
  display: {
    MODE: exactly(12),
    MARK: EMPTY,
    RESET: EMPTY,
    COPY_BITS: from(DRAW + 8),
    INVAL_LIST: entries(2, 9, U16_COUNT),
    INVAL_ALL_PIXMAPS: entries(1, 10, U8_COUNT),
    INVAL_PALETTE: exactly(8),
    INVAL_ALL_PALETTES: EMPTY,
    STREAM_CREATE: from(51),
    STREAM_DATA: from(12),
    STREAM_CLIP: from(5),
    STREAM_DESTROY: WORD,
    STREAM_DESTROY_ALL: EMPTY,
    DRAW_FILL: from(DRAW + BRUSH + ROP + MASK),
    DRAW_OPAQUE: from(DRAW + POINTER + RECT + BRUSH + ROP + SCALE + MASK),
    DRAW_COPY: from(DRAW + POINTER + RECT + ROP + SCALE + MASK),
    DRAW_BLEND: from(DRAW + POINTER + RECT + ROP + SCALE + MASK),
    DRAW_BLACKNESS: from(DRAW + MASK),
    DRAW_WHITENESS: from(DRAW + MASK),
    DRAW_INVERS: from(DRAW + MASK),
    DRAW_ROP3: from(DRAW + POINTER + RECT + BRUSH + 1 + SCALE + MASK),
    DRAW_STROKE: from(DRAW + POINTER + 1 + BRUSH + 2 * ROP),
    DRAW_TEXT: from(DRAW + POINTER + RECT + 2 * BRUSH + 2 * ROP),
    DRAW_TRANSPARENT: from(DRAW + POINTER + RECT + 8),
    DRAW_ALPHA_BLEND: from(DRAW + 2 + POINTER + RECT),
    SURFACE_CREATE: exactly(20),
    SURFACE_DESTROY: WORD,
    STREAM_DATA_SIZED: from(16 + RECT + 4),
    MONITORS_CONFIG: entries(4, 28, MAX_MONITORS),
    DRAW_COMPOSITE: from(DRAW + 4 + POINTER),
    STREAM_ACTIVATE_REPORT: exactly(16),
    GL_SCANOUT_UNIX: from(0, 64),
    GL_DRAW: exactly(16),
    QUALITY_INDICATOR: from(0, MAX_TEXT),
  },
  inputs: { INIT: exactly(2), KEY_MODIFIERS: exactly(2), MOUSE_MOTION_ACK: EMPTY },
  cursor: {
    INIT: from(11),
    RESET: EMPTY,
    SET: from(7),
    MOVE: WORD,
    HIDE: EMPTY,
    TRAIL: WORD,
    INVAL_ONE: exactly(8),
    INVAL_ALL: EMPTY,
  },
  playback: {
    DATA: from(4, MAX_AUDIO),
    MODE: from(6, MAX_AUDIO),
    START: exactly(14),
    STOP: EMPTY,
    VOLUME: entries(1, 2, U8_COUNT),
    MUTE: exactly(1),
    LATENCY: WORD,
  },
  record: { START: exactly(10), STOP: EMPTY, VOLUME: entries(1, 2, U8_COUNT), MUTE: exactly(1) },
  smartcard: SMARTCARD,
  usbredir: DATA,
  port: { ...DATA, ...PORT_EVENTS },
  webdav: { ...DATA, ...PORT_EVENTS },
};

const LIMITS: Readonly<Partial<Record<ChannelName, number>>> = {
  main: SERVER_TAKES.main,
  display: SERVER_TAKES.graphics,
  cursor: SERVER_TAKES.graphics,
  inputs: SERVER_TAKES.inputs,
};

/** The messages that one direction of a channel may carry. The tunnel channel has the common ones alone. */
export function bodySizes(channel: ChannelName, direction: Direction): BodySizes {
  const sizes = new Map<number, BodySize>();
  const add = (types: Readonly<Record<string, number>>, table: Readonly<Record<string, BodySize | null>>) => {
    for (const [name, type] of Object.entries(types)) {
      const size = table[name] ?? null;
      if (size !== null) sizes.set(type, size);
    }
  };
  const up = direction === 'up';
  if (up) add(CLIENT_MESSAGE.common, COMMON_UP(LIMITS[channel] ?? MAX_TEXT));
  else add(SERVER_MESSAGE.common, COMMON_DOWN);
  if (channel === 'tunnel') return sizes;
  if (up) add(CLIENT_MESSAGE[channel], UP[channel]);
  else add(SERVER_MESSAGE[channel], DOWN[channel]);
  return sizes;
}
