// SPDX-License-Identifier: Apache-2.0
// Messages whose bodies can lie: counts, lengths and offsets that are not those of the bytes, and values for which
// spice-server ends the channel. Sizes are judged before (body-sizes.ts): a body that comes here has its fixed part.
import { CHANNEL } from '../spice/constants.js';
import { CLIENT_MESSAGE, SERVER_MESSAGE } from '../spice/message-types.js';
import type { Direction } from '../relay/stage.js';
import { ClientAgentStream, GuestAgentStream } from './agent-stream.js';
import type { Fault } from './grammar.js';
import { RULE } from './rules.js';

/** Judges a body; null: it is good. */
export type BodyCheck = (body: Buffer) => Fault | null;

/** The checks of one direction by message type. */
export type BodyChecks = ReadonlyMap<number, BodyCheck>;

/** `NUM_STREAMS` of spice-server [display-channel-private.h]. */
const STREAMS = 50;
/** A scan code of several bytes begins with one of these. */
const PREFIXES: ReadonlySet<number | undefined> = new Set([0xe0, 0xe1]);
/** `SpiceAudioDataMode`: raw, CELT, Opus. */
const AUDIO_MODES: ReadonlySet<number> = new Set([1, 2, 3]);
/** `VSCMsgType`, from VSC_Init to VSC_FlushComplete. */
const LAST_SMARTCARD_TYPE = 9;
const SMARTCARD_HEADER_BYTES = 12;
/** Opened, closed, break. */
const LAST_PORT_EVENT = 2;
const LZ4 = 1;
/** Of LZ4, a byte of which becomes 255 at most. */
const MAX_EXPANSION = 255;
/** The largest piece of data that compressed data may become, in bytes: that of a message. */
const MAX_UNCOMPRESSED = 16 * 1024 * 1024;

/** All checks of one channel: made for it alone, for some of them remember. */
export class ChannelChecks {
  readonly up: BodyChecks;
  readonly down: BodyChecks;
  private readonly clientAgent = new ClientAgentStream();
  private readonly guestAgent = new GuestAgentStream();

  constructor(channelType: number) {
    this.up = new Map(this.upChecks(channelType));
    this.down = new Map(this.downChecks(channelType));
  }

  /** The checks of a direction. */
  of(direction: Direction): BodyChecks {
    return direction === 'up' ? this.up : this.down;
  }

  /** Messages have passed unseen. */
  lose(): void {
    this.clientAgent.lose();
    this.guestAgent.lose();
  }

  private upChecks(channelType: number): [number, BodyCheck][] {
    const { main, display, inputs, record, smartcard, usbredir, port } = CLIENT_MESSAGE;
    const vmc: [number, BodyCheck] = [usbredir.COMPRESSED_DATA, compressedFault(false)];
    switch (channelType) {
      case CHANNEL.main:
        return [[main.AGENT_DATA, (body) => this.clientAgent.push(body)]];
      case CHANNEL.display:
        return [
          [display.INIT, displayInitCheck()],
          [display.STREAM_REPORT, streamReportFault],
          [display.PREFERRED_VIDEO_CODEC_TYPE, videoCodecsFault],
        ];
      case CHANNEL.inputs:
        return [
          [inputs.KEY_DOWN, keyFault],
          [inputs.KEY_UP, keyFault],
          [inputs.KEY_SCANCODE, scancodeFault],
        ];
      case CHANNEL.record:
        return [[record.MODE, audioModeFault]];
      case CHANNEL.smartcard:
        return [[smartcard.DATA, smartcardFault]];
      case CHANNEL.usbredir:
        return [vmc];
      case CHANNEL.port:
      case CHANNEL.webdav:
        return [vmc, [port.EVENT, portEventFault]];
      default:
        return [];
    }
  }

  private downChecks(channelType: number): [number, BodyCheck][] {
    const { main, smartcard, usbredir, port } = SERVER_MESSAGE;
    const vmc: [number, BodyCheck] = [usbredir.COMPRESSED_DATA, compressedFault(true)];
    const agentChanged = (): null => {
      this.guestAgent.reset();
      this.clientAgent.interrupt();
      return null;
    };
    switch (channelType) {
      case CHANNEL.main:
        return [
          [main.CHANNELS_LIST, channelsListFault],
          [main.NAME, nameFault],
          [main.AGENT_DATA, (body) => this.guestAgent.push(body)],
          [main.INIT, agentChanged],
          [main.AGENT_CONNECTED, agentChanged],
          [main.AGENT_CONNECTED_TOKENS, agentChanged],
          [main.AGENT_DISCONNECTED, agentChanged],
        ];
      case CHANNEL.smartcard:
        return [[smartcard.DATA, smartcardFault]];
      case CHANNEL.usbredir:
        return [vmc];
      case CHANNEL.port:
      case CHANNEL.webdav:
        return [vmc, [port.INIT, portInitFault], [port.EVENT, portEventFault]];
      default:
        return [];
    }
  }
}

/** u8 cache id, i64 cache size, u8 dictionary id, i32 dictionary size; spice-server takes one [dcc.cpp]. */
function displayInitCheck(): BodyCheck {
  let said = false;
  return (body) => {
    const again = said;
    said = true;
    if (again) return { rule: RULE.displayInit, detail: 'the display is initialised twice' };
    if (body.readBigInt64LE(1) >= 0n && body.readInt32LE(10) >= 0) return null;
    return { rule: RULE.displayInit, detail: 'the display is initialised with a negative size' };
  };
}

function streamReportFault(body: Buffer): Fault | null {
  const id = body.readUInt32LE(0);
  return id < STREAMS ? null : { rule: RULE.streamReport, detail: `a report is on stream ${id}` };
}

function videoCodecsFault(body: Buffer): Fault | null {
  const count = body.readUInt8(0);
  if (count === body.length - 1) return null;
  const detail = `a list of ${count} video codecs has ${body.length - 1} bytes`;
  return { rule: RULE.videoCodecs, detail };
}

/** Up to four bytes of a scan code, the first one lowest; a byte of zero ends it. */
function keyFault(body: Buffer): Fault | null {
  const end = body.indexOf(0);
  const length = end === -1 ? body.length : end;
  if (body.subarray(length).every((byte) => byte === 0) && !PREFIXES.has(body[length - 1])) return null;
  return { rule: RULE.keyScancode, detail: 'a key has a scan code that is not whole' };
}

function scancodeFault(body: Buffer): Fault | null {
  if (!PREFIXES.has(body.at(-1))) return null;
  return { rule: RULE.keyScancode, detail: 'the last scan code is not whole' };
}

function audioModeFault(body: Buffer): Fault | null {
  const mode = body.readUInt16LE(4);
  return AUDIO_MODES.has(mode) ? null : { rule: RULE.audioMode, detail: `the mode of audio is ${mode}` };
}

/** u8 compression, u32 size before it, the data. spice-server takes LZ4 alone [spicevmc.cpp]. */
function compressedFault(plainAllowed: boolean): BodyCheck {
  return (body) => {
    const compression = body.readUInt8(0);
    if (compression === 0 && plainAllowed) return null;
    if (compression !== LZ4 || body.length < 5)
      return { rule: RULE.compressedData, detail: `the compression is ${compression}` };
    const size = body.readUInt32LE(1);
    if (size <= MAX_UNCOMPRESSED && size <= (body.length - 5) * MAX_EXPANSION) return null;
    const detail = `${body.length - 5} compressed bytes claim to be ${size}`;
    return { rule: RULE.compressedData, detail };
  };
}

function portEventFault(body: Buffer): Fault | null {
  const event = body.readUInt8(0);
  return event <= LAST_PORT_EVENT ? null : { rule: RULE.portEvent, detail: `event ${event} of a port` };
}

/** u32 size of the name with its NUL, u32 its offset, u8 opened. */
function portInitFault(body: Buffer): Fault | null {
  const size = body.readUInt32LE(0);
  const offset = body.readUInt32LE(4);
  if (offset === 0 ? size === 0 : offset >= 9 && offset + size <= body.length) return null;
  return { rule: RULE.portEvent, detail: `the name of a port, ${size} bytes, lies outside its message` };
}

/** u32 type, u32 reader, u32 length of what follows. */
function smartcardFault(body: Buffer): Fault | null {
  const type = body.readUInt32LE(0);
  if (type === 0 || type > LAST_SMARTCARD_TYPE)
    return { rule: RULE.smartcardHeader, detail: `smartcard message type ${type} is unknown` };
  const length = body.readUInt32LE(8);
  const have = body.length - SMARTCARD_HEADER_BYTES;
  if (length === have) return null;
  return {
    rule: RULE.smartcardHeader,
    detail: `a smartcard message of ${have} bytes claims to have ${length}`,
  };
}

function channelsListFault(body: Buffer): Fault | null {
  const count = body.readUInt32LE(0);
  const have = (body.length - 4) / 2;
  if (count === have) return null;
  return { rule: RULE.listCount, detail: `a list of ${count} channels has ${have}` };
}

function nameFault(body: Buffer): Fault | null {
  const size = body.readUInt32LE(0);
  if (size <= body.length - 4) return null;
  return { rule: RULE.listCount, detail: `a name of ${size} bytes has ${body.length - 4}` };
}
