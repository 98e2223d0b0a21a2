// SPDX-License-Identifier: Apache-2.0
// Message type numbers, by direction and channel. The same number means different things per direction and
// per channel (main 101 is MIGRATE_BEGIN from the server and CLIENT_INFO from the client), so they are never
// mixed in one table. Source: spice.proto and enums.h of spice-protocol 0.14.3.

/** Messages of every channel, server to client [spice.proto `BaseChannel` server]. */
const COMMON_FROM_SERVER = {
  MIGRATE: 1,
  MIGRATE_DATA: 2,
  SET_ACK: 3,
  PING: 4,
  WAIT_FOR_CHANNELS: 5,
  DISCONNECTING: 6,
  NOTIFY: 7,
  LIST: 8,
} as const;

/** Messages of every channel, client to server [spice.proto `BaseChannel` client]. */
const COMMON_FROM_CLIENT = {
  ACK_SYNC: 1,
  ACK: 2,
  PONG: 3,
  MIGRATE_FLUSH_MARK: 4,
  MIGRATE_DATA: 5,
  DISCONNECTING: 6,
} as const;

const SPICEVMC_DATA = { DATA: 101, COMPRESSED_DATA: 102 } as const;

const PORT_FROM_SERVER = { ...SPICEVMC_DATA, INIT: 201, EVENT: 202 } as const;

const PORT_FROM_CLIENT = { ...SPICEVMC_DATA, EVENT: 201 } as const;

/**
 * Message types that a server sends, by channel; `common` holds those of every channel.
 * The key names are those of {@link CHANNEL}.
 */
export const SERVER_MESSAGE = {
  common: COMMON_FROM_SERVER,
  main: {
    MIGRATE_BEGIN: 101,
    MIGRATE_CANCEL: 102,
    INIT: 103,
    CHANNELS_LIST: 104,
    MOUSE_MODE: 105,
    MULTI_MEDIA_TIME: 106,
    AGENT_CONNECTED: 107,
    AGENT_DISCONNECTED: 108,
    AGENT_DATA: 109,
    AGENT_TOKEN: 110,
    MIGRATE_SWITCH_HOST: 111,
    MIGRATE_END: 112,
    NAME: 113,
    UUID: 114,
    AGENT_CONNECTED_TOKENS: 115,
    MIGRATE_BEGIN_SEAMLESS: 116,
    MIGRATE_DST_SEAMLESS_ACK: 117,
    MIGRATE_DST_SEAMLESS_NACK: 118,
  },
  display: {
    MODE: 101,
    MARK: 102,
    RESET: 103,
    COPY_BITS: 104,
    INVAL_LIST: 105,
    INVAL_ALL_PIXMAPS: 106,
    INVAL_PALETTE: 107,
    INVAL_ALL_PALETTES: 108,
    STREAM_CREATE: 122,
    STREAM_DATA: 123,
    STREAM_CLIP: 124,
    STREAM_DESTROY: 125,
    STREAM_DESTROY_ALL: 126,
    DRAW_FILL: 302,
    DRAW_OPAQUE: 303,
    DRAW_COPY: 304,
    DRAW_BLEND: 305,
    DRAW_BLACKNESS: 306,
    DRAW_WHITENESS: 307,
    DRAW_INVERS: 308,
    DRAW_ROP3: 309,
    DRAW_STROKE: 310,
    DRAW_TEXT: 311,
    DRAW_TRANSPARENT: 312,
    DRAW_ALPHA_BLEND: 313,
    SURFACE_CREATE: 314,
    SURFACE_DESTROY: 315,
    STREAM_DATA_SIZED: 316,
    MONITORS_CONFIG: 317,
    DRAW_COMPOSITE: 318,
    STREAM_ACTIVATE_REPORT: 319,
    GL_SCANOUT_UNIX: 320,
    GL_DRAW: 321,
    QUALITY_INDICATOR: 322,
  },
  inputs: { INIT: 101, KEY_MODIFIERS: 102, MOUSE_MOTION_ACK: 111 },
  cursor: {
    INIT: 101,
    RESET: 102,
    SET: 103,
    MOVE: 104,
    HIDE: 105,
    TRAIL: 106,
    INVAL_ONE: 107,
    INVAL_ALL: 108,
  },
  playback: { DATA: 101, MODE: 102, START: 103, STOP: 104, VOLUME: 105, MUTE: 106, LATENCY: 107 },
  record: { START: 101, STOP: 102, VOLUME: 103, MUTE: 104 },
  smartcard: { DATA: 101 },
  usbredir: SPICEVMC_DATA,
  port: PORT_FROM_SERVER,
  webdav: PORT_FROM_SERVER,
} as const;

/**
 * Message types that a client sends, by channel; `common` holds those of every channel. A server closes the
 * channel on any other type. The key names are those of {@link CHANNEL}.
 */
export const CLIENT_MESSAGE = {
  common: COMMON_FROM_CLIENT,
  main: {
    CLIENT_INFO: 101,
    MIGRATE_CONNECTED: 102,
    MIGRATE_CONNECT_ERROR: 103,
    ATTACH_CHANNELS: 104,
    MOUSE_MODE_REQUEST: 105,
    AGENT_START: 106,
    AGENT_DATA: 107,
    AGENT_TOKEN: 108,
    MIGRATE_END: 109,
    MIGRATE_DST_DO_SEAMLESS: 110,
    MIGRATE_CONNECTED_SEAMLESS: 111,
    QUALITY_INDICATOR: 112,
  },
  display: {
    INIT: 101,
    STREAM_REPORT: 102,
    PREFERRED_COMPRESSION: 103,
    GL_DRAW_DONE: 104,
    PREFERRED_VIDEO_CODEC_TYPE: 105,
  },
  inputs: {
    KEY_DOWN: 101,
    KEY_UP: 102,
    KEY_MODIFIERS: 103,
    KEY_SCANCODE: 104,
    MOUSE_MOTION: 111,
    MOUSE_POSITION: 112,
    MOUSE_PRESS: 113,
    MOUSE_RELEASE: 114,
  },
  cursor: {},
  playback: {},
  record: { DATA: 101, MODE: 102, START_MARK: 103 },
  smartcard: { DATA: 101 },
  usbredir: SPICEVMC_DATA,
  port: PORT_FROM_CLIENT,
  webdav: PORT_FROM_CLIENT,
} as const;
