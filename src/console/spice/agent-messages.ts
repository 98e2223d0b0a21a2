// SPDX-License-Identifier: Apache-2.0
// Messages of the agent protocol, as far as a server without a guest speaks it: it announces what it can, and learns the size
// of the client's window. Layouts: vd_agent.h. In one AGENT_DATA there is never more than one message, and a message that is
// cut into several begins with its whole header (reds.cpp, agent-msg-filter.c).
import { AGENT_CAP, AGENT_HEADER_BYTES, AGENT_MESSAGE, agentHeader, agentMessage } from './agent-protocol.js';
import { Reader } from './reader.js';
import type { Size } from './screen-messages.js';
import { Writer } from './writer.js';

/** Of VDAgentMonitorsConfig without its monitors, and of one monitor. */
const MONITORS_BYTES = 8;
const MONITOR_BYTES = 20;
/** Sizes are taken, files are not. */
const CAPS = [
  AGENT_CAP.MONITORS_CONFIG,
  AGENT_CAP.REPLY,
  AGENT_CAP.SPARSE_MONITORS_CONFIG,
  AGENT_CAP.FILE_XFER_DISABLED,
];

/** The announcement of an agent that takes the size of the client's window, and no files and no clipboard. */
export function agentAnnouncement(): Buffer {
  const caps = CAPS.reduce((word, bit) => word | (1 << bit), 0);
  return agentMessage(AGENT_MESSAGE.ANNOUNCE_CAPABILITIES, new Writer(8).u32(0).u32(caps).finish());
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
    if (body.length < AGENT_HEADER_BYTES) return null;
    const { type, size } = agentHeader(body);
    const data = body.subarray(AGENT_HEADER_BYTES);
    this.left = Math.max(0, size - data.length);
    return type === AGENT_MESSAGE.MONITORS_CONFIG && this.left === 0 ? firstMonitor(data) : null;
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
