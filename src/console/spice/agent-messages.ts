// SPDX-License-Identifier: Apache-2.0
// Messages of the agent protocol, as far as a server without a guest speaks it: it announces what it can, and learns the size
// of the client's window. Layouts: vd_agent.h. In one AGENT_DATA there is never more than one message, and a message that is
// cut into several begins with its whole header (reds.cpp, agent-msg-filter.c).
import { Reader } from './reader.js';
import type { Size } from './screen-messages.js';
import { Writer } from './writer.js';

/** Bytes of one AGENT_DATA body [protocol.h `VD_AGENT_MAX_DATA_SIZE`]. */
export const AGENT_DATA_MAX_BYTES = 2048;

/** `VD_AGENT_PROTOCOL`. */
const PROTOCOL = 1;
/** Bytes of a VDAgentMessage without its data. */
const HEADER_BYTES = 20;
/** `VD_AGENT_MONITORS_CONFIG` and `VD_AGENT_ANNOUNCE_CAPABILITIES`. */
const MONITORS_CONFIG = 2;
const ANNOUNCE_CAPABILITIES = 6;
/** Of VDAgentMonitorsConfig without its monitors, and of one monitor. */
const MONITORS_BYTES = 8;
const MONITOR_BYTES = 20;
/** `VD_AGENT_CAP_*`, bit numbers: sizes are taken, files are not. */
const CAPS = { MONITORS_CONFIG: 1, REPLY: 2, SPARSE_MONITORS_CONFIG: 7, FILE_XFER_DISABLED: 13 } as const;

/** The announcement of an agent that takes the size of the client's window, and no files and no clipboard. */
export function agentAnnouncement(): Buffer {
  const caps = Object.values(CAPS).reduce((word, bit) => word | (1 << bit), 0);
  return new Writer(HEADER_BYTES + 8)
    .u32(PROTOCOL)
    .u32(ANNOUNCE_CAPABILITIES)
    .u64(0n)
    .u32(8)
    .u32(0)
    .u32(caps)
    .finish();
}

/** Follows what a client says to the agent. */
export class AgentListener {
  /** Bytes of the current message that have not come. */
  private left = 0;

  /**
   * Takes the body of one AGENT_DATA.
   *
   * @returns the size of the client's first monitor, when it says one; null: nothing of interest
   */
  push(body: Buffer): Size | null {
    if (this.left > 0) {
      this.left = Math.max(0, this.left - body.length);
      return null;
    }
    if (body.length < HEADER_BYTES) return null;
    const type = body.readUInt32LE(4);
    const data = body.subarray(HEADER_BYTES);
    this.left = Math.max(0, body.readUInt32LE(16) - data.length);
    return type === MONITORS_CONFIG && this.left === 0 ? firstMonitor(data) : null;
  }
}

/** Monitors that are switched off have no size. */
function firstMonitor(data: Buffer): Size | null {
  if (data.length < MONITORS_BYTES) return null;
  const reader = new Reader(data);
  const count = Math.min(
    reader.u32('num_of_monitors'),
    Math.floor((data.length - MONITORS_BYTES) / MONITOR_BYTES),
  );
  for (let index = 0; index < count; index += 1) {
    reader.seek('monitor', MONITORS_BYTES + index * MONITOR_BYTES);
    const height = reader.u32('height');
    const width = reader.u32('width');
    if (width > 0 && height > 0) return { width, height };
  }
  return null;
}
