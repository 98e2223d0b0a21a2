// SPDX-License-Identifier: Apache-2.0
// Bodies of the main channel's messages that the proxy reads or changes. Layouts: spice.proto, channel MainChannel.

/** Bytes of a MAIN_INIT body: eight u32. */
export const MAIN_INIT_BYTES = 32;
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

/** The body of a MAIN_INIT with another session_id. */
export function withInitSessionId(body: Buffer, sessionId: number): Buffer {
  const changed = Buffer.from(body);
  changed.writeUInt32LE(sessionId, 0);
  return changed;
}
