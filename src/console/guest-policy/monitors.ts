// SPDX-License-Identifier: Apache-2.0
// The lists of monitors: what a client asks of the agent (vd_agent.h VDAgentMonitorsConfig), and what a server says of a display
// channel (spice.proto, MSG_DISPLAY_MONITORS_CONFIG).

/** u32 num_of_monitors, u32 flags; u32 height, width, depth, i32 x, y; u16 height, u16 width in millimetres. */
const START_BYTES = 8;
const MONITOR_BYTES = 20;
const SIZE_BYTES = 4;
/** `VD_AGENT_CONFIG_MONITORS_FLAG_PHYSICAL_SIZE`. */
const PHYSICAL_SIZE = 2;
/** u16 count, u16 max_allowed; seven u32 for each head. */
const HEADS_START_BYTES = 4;
const HEAD_BYTES = 28;

/** The first `most` monitors of a VDAgentMonitorsConfig; null: none of them is on, or the message is broken. */
export function clipConfig(data: Buffer, most: number): Buffer | null {
  if (data.length < START_BYTES) return null;
  const count = data.readUInt32LE(0);
  const flags = data.readUInt32LE(4);
  if (START_BYTES + count * MONITOR_BYTES > data.length) return null;
  if (count <= most) return data;
  const start = data.subarray(0, START_BYTES + most * MONITOR_BYTES);
  const sizesAt = START_BYTES + count * MONITOR_BYTES;
  const sizes = (flags & PHYSICAL_SIZE) === 0 ? [] : [data.subarray(sizesAt, sizesAt + most * SIZE_BYTES)];
  const clipped = Buffer.concat([start, ...sizes]);
  clipped.writeUInt32LE(most, 0);
  const isOn = (monitor: number): boolean =>
    clipped.readBigUInt64LE(START_BYTES + monitor * MONITOR_BYTES) !== 0n;
  return Array.from({ length: most }, (_unused, monitor) => monitor).some(isOn) ? clipped : null;
}

/**
 * The body of a MONITORS_CONFIG with at most so many heads; null: it is good as it is.
 *
 * @param keepsLength what lies behind the heads stays where it is
 */
export function cutHeads(body: Buffer, most: number, keepsLength: boolean): Buffer | null {
  if (body.length < HEADS_START_BYTES) return null;
  const count = body.readUInt16LE(0);
  const max = body.readUInt16LE(2);
  if (count <= most && max <= most) return null;
  const kept = Math.min(count, most);
  const cut = Buffer.from(keepsLength ? body : body.subarray(0, HEADS_START_BYTES + kept * HEAD_BYTES));
  cut.writeUInt16LE(kept, 0);
  cut.writeUInt16LE(Math.min(max, most), 2);
  return cut;
}
