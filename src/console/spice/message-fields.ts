// SPDX-License-Identifier: Apache-2.0
// The first fields of messages, for people who read along: by channel, direction and type, as far as a field has a fixed place.
// Source: spice.proto. What a message carries (text, keys of the agent, pictures, sound) is no field.
import { channelName } from './constants.js';
import { messageName } from './message-names.js';

type Kind = 'u8' | 'u16' | 'u32' | 'i32' | 'u64';
type Field = `${Kind} ${string}`;

const BYTES: Readonly<Record<Kind, number>> = { u8: 1, u16: 2, u32: 4, i32: 4, u64: 8 };

/** Of every draw: its surface and its box. */
const DRAW: readonly Field[] = ['u32 surface', 'i32 top', 'i32 left', 'i32 bottom', 'i32 right'];

const COMMON: Readonly<Record<string, readonly Field[]>> = {
  'down SET_ACK': ['u32 generation', 'u32 window'],
  'down PING': ['u32 id', 'u64 time'],
  'down MIGRATE': ['u32 flags'],
  'down WAIT_FOR_CHANNELS': ['u8 count', 'u8 channel', 'u8 id', 'u64 serial'],
  'down DISCONNECTING': ['u64 time', 'u32 reason'],
  'down NOTIFY': ['u64 time', 'u32 severity', 'u32 visibility', 'u32 what'],
  'up ACK_SYNC': ['u32 generation'],
  'up PONG': ['u32 id', 'u64 time'],
  'up DISCONNECTING': ['u64 time', 'u32 reason'],
};

const OWN: Readonly<Record<string, readonly Field[]>> = {
  'main down INIT': [
    ...(['u32 session', 'u32 displays', 'u32 mouse_modes', 'u32 mouse_mode', 'u32 agent'] as const),
    ...(['u32 agent_tokens', 'u32 mm_time', 'u32 ram'] as const),
  ],
  'main down CHANNELS_LIST': ['u32 count'],
  'main down MOUSE_MODE': ['u16 supported', 'u16 current'],
  'main down MULTI_MEDIA_TIME': ['u32 mm_time'],
  'main down AGENT_DISCONNECTED': ['u32 error'],
  'main down AGENT_TOKEN': ['u32 tokens'],
  'main down AGENT_CONNECTED_TOKENS': ['u32 tokens'],
  'main up MOUSE_MODE_REQUEST': ['u16 mode'],
  'main up AGENT_START': ['u32 tokens'],
  'main up AGENT_TOKEN': ['u32 tokens'],
  'display down MODE': ['u32 width', 'u32 height', 'u32 bits'],
  'display down INVAL_LIST': ['u16 count'],
  'display down INVAL_PALETTE': ['u64 id'],
  'display down STREAM_CREATE': ['u32 surface', 'u32 stream', 'u8 flags', 'u8 codec'],
  'display down STREAM_DATA': ['u32 stream', 'u32 mm_time', 'u32 bytes'],
  'display down STREAM_DATA_SIZED': ['u32 stream', 'u32 mm_time', 'u32 width', 'u32 height'],
  'display down STREAM_CLIP': ['u32 stream'],
  'display down STREAM_DESTROY': ['u32 stream'],
  'display down SURFACE_CREATE': ['u32 surface', 'u32 width', 'u32 height', 'u32 format', 'u32 flags'],
  'display down SURFACE_DESTROY': ['u32 surface'],
  'display down MONITORS_CONFIG': ['u16 count', 'u16 max'],
  'display down STREAM_ACTIVATE_REPORT': ['u32 stream', 'u32 unique', 'u32 window', 'u32 timeout_ms'],
  'display down COPY_BITS': DRAW,
  'display up INIT': ['u8 pixmap_cache', 'u64 pixmap_cache_size', 'u8 dictionary', 'u32 dictionary_size'],
  'display up PREFERRED_COMPRESSION': ['u8 compression'],
  'inputs down INIT': ['u16 modifiers'],
  'inputs down KEY_MODIFIERS': ['u16 modifiers'],
  'inputs up KEY_DOWN': ['u32 code'],
  'inputs up KEY_UP': ['u32 code'],
  'inputs up KEY_MODIFIERS': ['u16 modifiers'],
  'inputs up KEY_SCANCODE': ['u8 code', 'u8 code2', 'u8 code3', 'u8 code4'],
  'inputs up MOUSE_MOTION': ['i32 dx', 'i32 dy', 'u16 buttons'],
  'inputs up MOUSE_POSITION': ['u32 x', 'u32 y', 'u16 buttons', 'u8 display'],
  'inputs up MOUSE_PRESS': ['u8 button', 'u16 buttons'],
  'inputs up MOUSE_RELEASE': ['u8 button', 'u16 buttons'],
  'cursor down MOVE': ['u16 x', 'u16 y'],
  'playback down START': ['u32 channels', 'u16 format', 'u32 frequency', 'u32 mm_time'],
  'playback down DATA': ['u32 mm_time'],
  'playback down MODE': ['u32 mm_time', 'u16 mode'],
  'playback down LATENCY': ['u32 latency_ms'],
  'playback down MUTE': ['u8 mute'],
  'record down START': ['u32 channels', 'u16 format', 'u32 frequency'],
  'record up DATA': ['u32 mm_time'],
};

/** Bytes that {@link messageFields} looks at. */
export const FIELD_BYTES = 64;

/** The fields as `name=value`, as far as the bytes go. @param start the first bytes of the body */
export function messageFields(
  channelType: number,
  way: 'up' | 'down',
  type: number,
  start: Buffer,
): string[] {
  const texts: string[] = [];
  let at = 0;
  for (const field of fieldsOf(channelType, way, messageName(channelType, way, type))) {
    const [kind, name] = field.split(' ') as [Kind, string];
    if (at + BYTES[kind] > start.length) break;
    texts.push(`${name}=${read(kind, start, at)}`);
    at += BYTES[kind];
  }
  return texts;
}

function fieldsOf(channelType: number, way: 'up' | 'down', name: string): readonly Field[] {
  const own = OWN[`${channelName(channelType) ?? ''} ${way} ${name}`] ?? COMMON[`${way} ${name}`];
  return own ?? (way === 'down' && name.startsWith('DRAW_') ? DRAW : []);
}

function read(kind: Kind, bytes: Buffer, at: number): string {
  switch (kind) {
    case 'u8':
      return `${bytes.readUInt8(at)}`;
    case 'u16':
      return `${bytes.readUInt16LE(at)}`;
    case 'u32':
      return `${bytes.readUInt32LE(at)}`;
    case 'i32':
      return `${bytes.readInt32LE(at)}`;
    case 'u64':
      return `${bytes.readBigUInt64LE(at)}`;
  }
}
