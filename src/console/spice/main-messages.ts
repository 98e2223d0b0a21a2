// SPDX-License-Identifier: Apache-2.0
// The main channel from the backend to the client: cuts the stream into messages, hands those over whole that a
// rule must see (INIT, NAME, UUID, NOTIFY, the migration messages), and lets all others stream by in pieces.
// Layouts: spice.proto, channel MainChannel; spice/protocol.h for the headers.
import { LimitExceeded, PeerMisbehaved } from './errors.js';
import { SERVER_MESSAGE } from './message-types.js';
import { FULL_HEADER_BYTES, MINI_HEADER_BYTES } from './message-walker.js';

const { NOTIFY, LIST } = SERVER_MESSAGE.common;
const { INIT, NAME, UUID, MIGRATE_BEGIN, MIGRATE_SWITCH_HOST, MIGRATE_BEGIN_SEAMLESS } = SERVER_MESSAGE.main;

/** Bytes of a MAIN_INIT body: eight u32. */
export const MAIN_INIT_BYTES = 32;
/** The largest body of an inspected message that is buffered, in bytes. */
export const MAX_INSPECTED_BYTES = 65_536;

const INSPECTED: ReadonlySet<number> = new Set([
  NOTIFY,
  INIT,
  NAME,
  UUID,
  MIGRATE_BEGIN,
  MIGRATE_SWITCH_HOST,
  MIGRATE_BEGIN_SEAMLESS,
]);

/** A step of the stream, in order. */
export type MainDownEvent =
  /** Bytes of a message nobody needs to see; `begins` where they hold the message's first byte. */
  | { readonly type: 'pass'; readonly bytes: Buffer; readonly begins: boolean }
  /** An inspected message, whole: `bytes` are header and body, `body` is a view into them. */
  | {
      readonly type: 'message';
      readonly messageType: number;
      readonly bytes: Buffer;
      readonly body: Buffer;
    };

/** Cuts the main channel's stream from the backend into {@link MainDownEvent}s. */
export class MainDownStream {
  private readonly headerBytes: number;
  private readonly typeOffset: number;
  /** A header or an inspected message that is not complete yet. */
  private kept: Buffer | null = null;
  private keptHave = 0;
  /** Body bytes of a passing message that have not come yet. */
  private passLeft = 0;

  /** @param miniHeader whether the channel uses 6-byte headers */
  constructor(private readonly miniHeader: boolean) {
    this.headerBytes = miniHeader ? MINI_HEADER_BYTES : FULL_HEADER_BYTES;
    this.typeOffset = miniHeader ? 0 : 8;
  }

  /**
   * Takes the next bytes; gives the steps that they complete. The events hold views of `chunk`.
   *
   * @throws LimitExceeded when an inspected message is larger than {@link MAX_INSPECTED_BYTES}
   * @throws PeerMisbehaved for nested messages, which could hide an inspected one, and for a short INIT
   */
  push(chunk: Buffer): MainDownEvent[] {
    const events: MainDownEvent[] = [];
    let rest = chunk;
    while (rest.length > 0) rest = this.step(rest, events);
    return events;
  }

  private step(rest: Buffer, events: MainDownEvent[]): Buffer {
    if (this.passLeft > 0) return this.passOn(rest, events);
    if (this.kept !== null) return this.complete(rest, this.kept, events);
    if (rest.length < this.headerBytes) return this.keep(this.headerBytes, rest);
    return this.begin(rest, events);
  }

  private passOn(rest: Buffer, events: MainDownEvent[]): Buffer {
    const taken = Math.min(this.passLeft, rest.length);
    this.passLeft -= taken;
    events.push({ type: 'pass', bytes: rest.subarray(0, taken), begins: false });
    return rest.subarray(taken);
  }

  /** Fills what is kept; a completed header is judged, a completed message is given. */
  private complete(rest: Buffer, kept: Buffer, events: MainDownEvent[]): Buffer {
    const taken = Math.min(kept.length - this.keptHave, rest.length);
    rest.copy(kept, this.keptHave, 0, taken);
    this.keptHave += taken;
    if (this.keptHave < kept.length) return rest.subarray(taken);
    this.kept = null;
    if (kept.length > this.headerBytes) this.give(kept, events);
    else this.afterHeader(kept, events);
    return rest.subarray(taken);
  }

  private begin(rest: Buffer, events: MainDownEvent[]): Buffer {
    const size = this.sizeOf(rest);
    if (!this.inspects(rest, size)) {
      const taken = Math.min(this.headerBytes + size, rest.length);
      this.passLeft = this.headerBytes + size - taken;
      events.push({ type: 'pass', bytes: rest.subarray(0, taken), begins: true });
      return rest.subarray(taken);
    }
    const whole = this.headerBytes + size;
    if (rest.length < whole) return this.keep(whole, rest);
    this.give(rest.subarray(0, whole), events);
    return rest.subarray(whole);
  }

  /** Goes on behind a header that came in pieces. */
  private afterHeader(header: Buffer, events: MainDownEvent[]): void {
    const size = this.sizeOf(header);
    if (this.inspects(header, size)) {
      if (size === 0) this.give(header, events);
      else this.keep(this.headerBytes + size, header);
      return;
    }
    this.passLeft = size;
    events.push({ type: 'pass', bytes: header, begins: true });
  }

  private keep(wanted: number, bytes: Buffer): Buffer {
    this.kept = Buffer.alloc(wanted);
    bytes.copy(this.kept);
    this.keptHave = bytes.length;
    return bytes.subarray(bytes.length);
  }

  private give(bytes: Buffer, events: MainDownEvent[]): void {
    const messageType = bytes.readUInt16LE(this.typeOffset);
    const body = bytes.subarray(this.headerBytes);
    if (messageType === INIT && body.length < MAIN_INIT_BYTES) {
      throw new PeerMisbehaved(`MAIN_INIT has ${body.length} bytes, ${MAIN_INIT_BYTES} are needed`);
    }
    events.push({ type: 'message', messageType, bytes, body });
  }

  private sizeOf(header: Buffer): number {
    return header.readUInt32LE(this.typeOffset + 2);
  }

  private inspects(header: Buffer, size: number): boolean {
    const messageType = header.readUInt16LE(this.typeOffset);
    if (messageType === LIST || (!this.miniHeader && header.readUInt32LE(14) !== 0)) {
      throw new PeerMisbehaved('nested messages are not accepted on the main channel');
    }
    if (!INSPECTED.has(messageType)) return false;
    if (size > MAX_INSPECTED_BYTES)
      throw new LimitExceeded('inspected message size', MAX_INSPECTED_BYTES, size);
    return true;
  }
}

/** The text of a NOTIFY body: u64 timestamp, u32 severity, u32 visibility, u32 what, u32 len, bytes. */
export function notifyText(body: Buffer): string {
  if (body.length < 24) return '';
  const length = Math.min(body.readUInt32LE(20), body.length - 24);
  return body.toString('utf8', 24, 24 + length);
}

/** The UUID of a MAIN_UUID body, 32 hex digits; null when the body is not 16 bytes. */
export function guestUuid(body: Buffer): string | null {
  return body.length === 16 ? body.toString('hex') : null;
}

/** session_id of a MAIN_INIT body (offset 0, u32): the backend's connection id of the session. */
export function initSessionId(body: Buffer): number {
  return body.readUInt32LE(0);
}

/** Puts another session_id into a MAIN_INIT body, in place. */
export function rewriteInitSessionId(body: Buffer, sessionId: number): void {
  body.writeUInt32LE(sessionId, 0);
}
