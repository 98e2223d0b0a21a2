// SPDX-License-Identifier: Apache-2.0
// Which recorded messages are played, and what is changed in them: a viewer gets the pictures, the pointer and the sound of
// then with the times of now, from a server that has no agent and takes no input. Layouts: spice.proto.
import { CHANNEL } from '../../console/spice/constants.js';
import { CLIENT_MESSAGE, SERVER_MESSAGE } from '../../console/spice/message-types.js';
import { Writer } from '../../console/spice/writer.js';

/** Mouse mode in which the server moves the pointer [enums.h]. */
const MOUSE_MODE_SERVER = 1;
const { INIT, MULTI_MEDIA_TIME, NAME, UUID } = SERVER_MESSAGE.main;
const PLAYED_ON_MAIN: ReadonlySet<number> = new Set([INIT, MULTI_MEDIA_TIME, NAME, UUID]);
const { MIGRATE, MIGRATE_DATA, PING } = SERVER_MESSAGE.common;

/** The channels that are played. */
export const PLAYED_CHANNELS: ReadonlySet<number> = new Set([
  ...[CHANNEL.main, CHANNEL.display, CHANNEL.cursor, CHANNEL.playback],
]);

/** Where the multimedia time is in a message, in bytes from its start: by channel and type. */
const MM_TIME: Readonly<Record<number, Readonly<Record<number, number>>>> = {
  [CHANNEL.main]: { [MULTI_MEDIA_TIME]: 0 },
  [CHANNEL.display]: {
    [SERVER_MESSAGE.display.STREAM_DATA]: 4,
    [SERVER_MESSAGE.display.STREAM_DATA_SIZED]: 4,
  },
  [CHANNEL.playback]: {
    [SERVER_MESSAGE.playback.DATA]: 0,
    [SERVER_MESSAGE.playback.MODE]: 0,
    [SERVER_MESSAGE.playback.START]: 10,
  },
};

/** A message as it is played. */
export interface PlayedMessage {
  readonly type: number;
  readonly body: Buffer;
}

/**
 * What becomes of a recorded message; null: it is not played.
 *
 * @param sessionId the one that the viewer has
 * @param shift milliseconds by which the replay is behind what was
 */
export function played(
  channelType: number,
  { type, body }: PlayedMessage,
  { sessionId, shift }: { readonly sessionId: number; readonly shift: number },
): PlayedMessage | null {
  if (channelType === CHANNEL.main) {
    if (!PLAYED_ON_MAIN.has(type)) return null;
    if (type === INIT) return { type, body: initOf(body, sessionId) };
  } else if (type === MIGRATE || type === MIGRATE_DATA) {
    // One message has to stand there: others name messages by their number.
    return { type: PING, body: Buffer.alloc(12) };
  }
  const offset = MM_TIME[channelType]?.[type];
  if (offset === undefined || body.length < offset + 4) return { type, body };
  const copy = Buffer.from(body);
  copy.writeUInt32LE((copy.readUInt32LE(offset) + Math.round(shift)) >>> 0, offset);
  return { type, body: copy };
}

/** u32 session_id, display_channels_hint, supported and current mouse modes, agent_connected, agent_tokens, mm_time, ram_hint */
function initOf(body: Buffer, sessionId: number): Buffer {
  const copy = Buffer.alloc(32);
  body.copy(copy, 0, 0, 32);
  copy.writeUInt32LE(sessionId, 0);
  copy.writeUInt32LE(MOUSE_MODE_SERVER, 8);
  copy.writeUInt32LE(MOUSE_MODE_SERVER, 12);
  copy.writeUInt32LE(0, 16);
  copy.writeUInt32LE(0, 20);
  return copy;
}

/** The pointer's way, where the client has moved it: a cursor MOVE for a MOUSE_POSITION; null: it is none. */
export function pointerMove(channelType: number, { type, body }: PlayedMessage): PlayedMessage | null {
  if (channelType !== CHANNEL.inputs || type !== CLIENT_MESSAGE.inputs.MOUSE_POSITION || body.length < 8)
    return null;
  const [x, y] = [body.readUInt32LE(0) & 0x7fff, body.readUInt32LE(4) & 0x7fff];
  return { type: SERVER_MESSAGE.cursor.MOVE, body: new Writer(4).u16(x).u16(y).finish() };
}

/** CHANNELS_LIST. */
export function channelsListOf(channels: readonly { readonly type: number; readonly id: number }[]): Buffer {
  const writer = new Writer(4 + 2 * channels.length).u32(channels.length);
  for (const { type, id } of channels) writer.u8(type).u8(id);
  return writer.finish();
}

/** NOTIFY: u64 time, u32 severity, visibility, what, length, text, NUL. */
export function notifyOf(text: string): Buffer {
  const bytes = Buffer.from(text);
  return new Writer(24 + bytes.length + 1)
    .u64(0n)
    .u32(0)
    .u32(2)
    .u32(0)
    .u32(bytes.length)
    .raw(bytes)
    .u8(0)
    .finish();
}

/** MIGRATE_SWITCH_HOST to a plain port of this machine: u16 port, u16 TLS port (none), u32 host size, offset, subject size, offset. */
export function switchToPort(port: number): Buffer {
  const host = Buffer.from('127.0.0.1\0');
  return new Writer(20 + host.length)
    .u16(port)
    .u16(0xffff)
    .u32(host.length)
    .u32(20)
    .u32(0)
    .u32(0)
    .raw(host)
    .finish();
}
