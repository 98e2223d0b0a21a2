// SPDX-License-Identifier: Apache-2.0
// The agent protocol: what the bodies of AGENT_DATA hold, put together. Numbers and layouts: vd_agent.h.

/** Bytes of a VDAgentMessage without its data: u32 protocol, u32 type, u64 opaque, u32 size. */
export const AGENT_HEADER_BYTES = 20;
/** Bytes of one AGENT_DATA body at most [protocol.h `VD_AGENT_MAX_DATA_SIZE`]. */
export const AGENT_DATA_MAX_BYTES = 2048;
/** `VD_AGENT_PROTOCOL`. */
export const AGENT_PROTOCOL = 1;

/** Types of agent messages [vd_agent.h `VD_AGENT_*`]. */
export const AGENT_MESSAGE = {
  MOUSE_STATE: 1,
  MONITORS_CONFIG: 2,
  REPLY: 3,
  CLIPBOARD: 4,
  DISPLAY_CONFIG: 5,
  ANNOUNCE_CAPABILITIES: 6,
  CLIPBOARD_GRAB: 7,
  CLIPBOARD_REQUEST: 8,
  CLIPBOARD_RELEASE: 9,
  FILE_XFER_START: 10,
  FILE_XFER_STATUS: 11,
  FILE_XFER_DATA: 12,
} as const;

/** Bit numbers of the agent's capabilities [vd_agent.h `VD_AGENT_CAP_*`]. */
export const AGENT_CAP = {
  MONITORS_CONFIG: 1,
  REPLY: 2,
  CLIPBOARD: 3,
  CLIPBOARD_BY_DEMAND: 5,
  CLIPBOARD_SELECTION: 6,
  SPARSE_MONITORS_CONFIG: 7,
  FILE_XFER_DISABLED: 13,
  CLIPBOARD_GRAB_SERIAL: 17,
} as const;

/** How a file is taken [vd_agent.h `VD_AGENT_FILE_XFER_STATUS_*`]. */
export const FILE_STATUS = { CAN_SEND_DATA: 0, CANCELLED: 1, DISABLED: 7 } as const;

/** What the header of an agent message says. */
export interface AgentHeader {
  readonly type: number;
  /** Bytes of data. */
  readonly size: number;
}

/** Reads the header at the beginning of the bytes, which must hold it. */
export function agentHeader(bytes: Buffer): AgentHeader {
  return { type: bytes.readUInt32LE(4), size: bytes.readUInt32LE(16) };
}

/** A whole agent message. */
export function agentMessage(type: number, data: Buffer): Buffer {
  const bytes = Buffer.alloc(AGENT_HEADER_BYTES + data.length);
  bytes.writeUInt32LE(AGENT_PROTOCOL, 0);
  bytes.writeUInt32LE(type, 4);
  bytes.writeUInt32LE(data.length, 16);
  data.copy(bytes, AGENT_HEADER_BYTES);
  return bytes;
}
