// SPDX-License-Identifier: Apache-2.0
// Bodies of the messages by which a SPICE server shows a still picture: of the main channel, the display channel and the
// inputs channel. Layouts: spice.proto, channels MainChannel, DisplayChannel and InputsChannel.
import { Writer } from './writer.js';

/** Mouse mode of a guest that takes positions: a client that has it does not catch the pointer [enums.h]. */
const MOUSE_MODE_CLIENT = 2;
/** `SPICE_SURFACE_FMT_32_xRGB` [enums.h]. */
const SURFACE_32_XRGB = 32;
/** `SPICE_SURFACE_FLAGS_PRIMARY` [enums.h]. */
const SURFACE_PRIMARY = 1;
/** `SPICE_IMAGE_TYPE_LZ_RGB` [enums.h]. */
const IMAGE_LZ_RGB = 101;
/** `SPICE_ROPD_OP_PUT`: the picture replaces what was there [enums.h]. */
const ROP_PUT = 8;

/** Bytes of a DRAW_COPY body in front of its image: DisplayBase, image, Rect, rop, scale mode, QMask. */
const DRAW_COPY_BYTES = 21 + 4 + 16 + 2 + 1 + 13;
/** Bytes of an image's description, and of the length of its data. */
const IMAGE_BYTES = 18 + 4;

/** Memory of the guest's video card, of which clients derive the size of their caches: 16 MiB. */
const RAM_HINT = 16 * 1024 * 1024;

/** The only surface. */
const SURFACE = 0;

/** What MAIN_INIT says beside what never changes. */
export interface MainInit {
  /** u32; the client shows it on its other channels. */
  readonly sessionId: number;
  /** How many AGENT_DATA the client may send; 0: there is no agent. */
  readonly agentTokens: number;
}

/** MAIN_INIT of a server with one display, for clients that keep their own pointer. */
export function mainInit({ sessionId, agentTokens }: MainInit): Buffer {
  return new Writer(32)
    .u32(sessionId)
    .u32(1)
    .u32(MOUSE_MODE_CLIENT)
    .u32(MOUSE_MODE_CLIENT)
    .u32(agentTokens === 0 ? 0 : 1)
    .u32(agentTokens)
    .u32(0)
    .u32(RAM_HINT)
    .finish();
}

/** CHANNELS_LIST: channel types, each with id 0. */
export function channelsList(types: readonly number[]): Buffer {
  const writer = new Writer(4 + 2 * types.length).u32(types.length);
  for (const type of types) writer.u8(type).u8(0);
  return writer.finish();
}

/** AGENT_TOKEN, and AGENT_CONNECTED_TOKENS with which an agent comes: the client may send so many more AGENT_DATA. */
export function agentToken(count: number): Buffer {
  return new Writer(4).u32(count).finish();
}

/** MOUSE_MODE: the client keeps its own pointer, and there is no other way. */
export function mouseModeOfClient(): Buffer {
  return new Writer(4).u16(MOUSE_MODE_CLIENT).u16(MOUSE_MODE_CLIENT).finish();
}

/** AGENT_DISCONNECTED: without a fault. */
export function agentDisconnected(): Buffer {
  return new Writer(4).u32(0).finish();
}

/** Where a client is sent by MIGRATE_SWITCH_HOST. */
export interface SwitchTarget {
  readonly host: string;
  readonly tlsPort: number;
  /** The certificate's subject; '': the client compares the host name. */
  readonly certSubject: string;
}

/** MIGRATE_SWITCH_HOST to a server that has a TLS port only (port 0). */
export function migrateSwitchHost({ host, tlsPort, certSubject }: SwitchTarget): Buffer {
  const hostBytes = Buffer.from(`${host}\0`);
  const subjectBytes = certSubject === '' ? Buffer.alloc(0) : Buffer.from(`${certSubject}\0`);
  return new Writer(20 + hostBytes.length + subjectBytes.length)
    .u16(0)
    .u16(tlsPort)
    .u32(hostBytes.length)
    .u32(20)
    .u32(subjectBytes.length)
    .u32(subjectBytes.length === 0 ? 0 : 20 + hostBytes.length)
    .raw(hostBytes)
    .raw(subjectBytes)
    .finish();
}

/** Width and height in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** SURFACE_CREATE of the primary surface, 32 bits a pixel. */
export function surfaceCreate({ width, height }: Size): Buffer {
  return new Writer(20)
    .u32(SURFACE)
    .u32(width)
    .u32(height)
    .u32(SURFACE_32_XRGB)
    .u32(SURFACE_PRIMARY)
    .finish();
}

/** SURFACE_DESTROY of the primary surface. */
export function surfaceDestroy(): Buffer {
  return new Writer(4).u32(SURFACE).finish();
}

/** MONITORS_CONFIG: one monitor, which shows the whole primary surface. */
export function monitorsConfig({ width, height }: Size): Buffer {
  return new Writer(4 + 28)
    .u16(1)
    .u16(1)
    .u32(0)
    .u32(SURFACE)
    .u32(width)
    .u32(height)
    .u32(0)
    .u32(0)
    .u32(0)
    .finish();
}

/** DRAW_COPY of one picture over the whole primary surface. @param data the picture as lz-image.ts encodes it */
export function drawCopy(id: bigint, { width, height }: Size, data: Buffer): Buffer {
  const writer = new Writer(DRAW_COPY_BYTES + IMAGE_BYTES + data.length);
  writer.u32(SURFACE).u32(0).u32(0).u32(height).u32(width).u8(0);
  writer.u32(DRAW_COPY_BYTES).u32(0).u32(0).u32(height).u32(width).u16(ROP_PUT).u8(0);
  writer.u8(0).u32(0).u32(0).u32(0);
  writer.u64(id).u8(IMAGE_LZ_RGB).u8(0).u32(width).u32(height).u32(data.length);
  return writer.raw(data).finish();
}

/** INPUTS_INIT: no lock of the keyboard is on. */
export function inputsInit(): Buffer {
  return new Writer(2).u16(0).finish();
}
