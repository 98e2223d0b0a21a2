// SPDX-License-Identifier: Apache-2.0
// The messages of the agent protocol: which types there are, and how large the data of each may be (vd_agent.h). A
// clipboard may be large, of everything else there is little. Both directions may carry all of them: a guest's agent and a
// client skip what is not for them.
import { AGENT_PROTOCOL, agentHeader } from '../spice/agent-protocol.js';
import type { Fault } from './grammar.js';
import { RULE } from './rules.js';

const MIB = 1024 * 1024;
/** What clients take and send at most of a clipboard [channel-main.c], in bytes. */
const MAX_CLIPBOARD = 100 * MIB;
/** Clients send files in pieces of 64 KiB. */
const MAX_FILE_PIECE = MIB;
const MAX_TEXT = 64 * 1024;
/** What spice-server takes [reds.cpp], each of 20 bytes and 4 of its physical size, behind u32 count and u32 flags. */
const MAX_MONITORS = 256;
/** u32 height, u32 width, u32 depth, i32 x, i32 y. */
const MONITOR_BYTES = 20;
const MONITORS_BYTES = 8;

type Range = readonly [least: number, most: number];

/** Bytes of data by type, from VD_AGENT_MOUSE_STATE (1) on. */
const DATA_BYTES: readonly Range[] = [
  [13, 64],
  [MONITORS_BYTES, MONITORS_BYTES + MAX_MONITORS * (MONITOR_BYTES + 4)],
  [8, 64],
  [4, 8 + MAX_CLIPBOARD],
  [8, 64],
  [4, 4096],
  [0, 4096],
  [4, 8],
  [0, 4],
  [4, MAX_TEXT],
  [8, MAX_TEXT],
  [12, 12 + MAX_FILE_PIECE],
  [0, 64],
  [4, 4],
  [3, 3 + 2 * 255],
  [0, MAX_TEXT],
];

/** Judges the header at the beginning of the bytes, which must hold it; null: it is good. */
export function agentHeaderFault(bytes: Buffer): Fault | null {
  const protocol = bytes.readUInt32LE(0);
  if (protocol !== AGENT_PROTOCOL)
    return {
      rule: RULE.agentType,
      detail: `the protocol of an agent message is ${protocol}, not ${AGENT_PROTOCOL}`,
    };
  const { type, size } = agentHeader(bytes);
  const range = type === 0 ? undefined : DATA_BYTES[type - 1];
  if (range === undefined) return { rule: RULE.agentType, detail: `agent message type ${type} is unknown` };
  const [least, most] = range;
  if (size >= least && size <= most) return null;
  const detail = `agent message type ${type} has ${size} bytes, the limits are ${least} and ${most}`;
  return { rule: RULE.agentSize, detail };
}

/**
 * Judges the beginning of a VDAgentMonitorsConfig; null: its count is that of its entries.
 *
 * @param start its first 8 bytes
 * @param size bytes of all of it
 */
export function monitorsFault(start: Buffer, size: number): Fault | null {
  const count = start.readUInt32LE(0);
  if (count <= MAX_MONITORS && MONITORS_BYTES + count * MONITOR_BYTES <= size) return null;
  return { rule: RULE.monitorsConfig, detail: `a configuration of ${count} monitors has ${size} bytes` };
}

/** Bytes of a VDAgentMonitorsConfig that {@link monitorsFault} needs. */
export const MONITORS_START_BYTES = MONITORS_BYTES;
