// SPDX-License-Identifier: Apache-2.0
// The stream of agent messages within the AGENT_DATA of one direction. A client's is strict, as spice-server reads it
// (agent-msg-filter.c): the first part of a message holds all of its header, and no part runs past the message's end. A
// guest's may be cut anywhere, as spice-gtk reads it (channel-main.c).
import {
  AGENT_DATA_MAX_BYTES,
  AGENT_HEADER_BYTES,
  AGENT_MESSAGE,
  agentHeader,
} from '../spice/agent-protocol.js';
import { agentHeaderFault, MONITORS_START_BYTES, monitorsFault } from './agent-grammar.js';
import type { Fault } from './grammar.js';
import { RULE } from './rules.js';

const NOTHING = Buffer.alloc(0);

/** What a client sends to the agent. */
export class ClientAgentStream {
  /** Bytes of the current message that have not come; Infinity: nobody knows. */
  private left = 0;
  /** The first bytes of a monitor configuration that is under way; null: none is. */
  private monitors: Buffer | null = null;
  private monitorsSize = 0;
  /** The next part may begin a message although the one before has not ended. */
  private mayBegin = false;

  /** The agent came or went: spice-server goes on in the message that is under way, clients perhaps do not. */
  interrupt(): void {
    if (this.left > 0) this.mayBegin = true;
  }

  /** Where the stream is is not known: until a message begins for certain, everything is taken for part of one. */
  lose(): void {
    this.left = Infinity;
    this.monitors = null;
    this.mayBegin = true;
  }

  /** Judges the body of one AGENT_DATA; null: it is good. */
  push(body: Buffer): Fault | null {
    if (this.left > 0 && !(this.mayBegin && begins(body))) return this.goOn(body);
    this.mayBegin = false;
    return this.begin(body);
  }

  private begin(body: Buffer): Fault | null {
    if (body.length < AGENT_HEADER_BYTES)
      return this.lost({
        rule: RULE.agentChunk,
        detail: `an agent message begins with ${body.length} bytes, its header has ${AGENT_HEADER_BYTES}`,
      });
    const fault = agentHeaderFault(body);
    if (fault !== null) return this.lost(fault);
    const { type, size } = agentHeader(body);
    this.left = size;
    this.monitors = type === AGENT_MESSAGE.MONITORS_CONFIG ? NOTHING : null;
    this.monitorsSize = size;
    return this.goOn(body.subarray(AGENT_HEADER_BYTES));
  }

  private goOn(data: Buffer): Fault | null {
    if (data.length > this.left)
      return this.lost({
        rule: RULE.agentChunk,
        detail: `part of an agent message has ${data.length} bytes, ${this.left} are left of it`,
      });
    this.left -= data.length;
    return this.monitors === null ? null : this.readMonitors(this.monitors, data);
  }

  private readMonitors(start: Buffer, data: Buffer): Fault | null {
    const have = Buffer.concat([start, data.subarray(0, MONITORS_START_BYTES - start.length)]);
    this.monitors = have.length < MONITORS_START_BYTES ? have : null;
    return this.monitors === null ? monitorsFault(have, this.monitorsSize) : null;
  }

  /** Of no meaning when the channel ends; when faults pass, the stream must be found again. */
  private lost(fault: Fault): Fault {
    this.lose();
    return fault;
  }
}

/** What a guest's agent sends to the client. */
export class GuestAgentStream {
  private header = NOTHING;
  /** Bytes of the current message that have not come; Infinity: nobody knows. */
  private left = 0;

  /** Another stream begins. */
  reset(): void {
    this.header = NOTHING;
    this.left = 0;
  }

  /** Where the stream is is not known: nothing is judged until another one begins. */
  lose(): void {
    this.header = NOTHING;
    this.left = Infinity;
  }

  /** Judges the body of one AGENT_DATA; null: it is good. */
  push(body: Buffer): Fault | null {
    for (let rest = body.subarray(this.skip(body)); rest.length > 0; rest = rest.subarray(this.skip(rest))) {
      const missing = AGENT_HEADER_BYTES - this.header.length;
      this.header = Buffer.concat([this.header, rest.subarray(0, missing)]);
      rest = rest.subarray(missing);
      if (this.header.length < AGENT_HEADER_BYTES) return null;
      const fault = agentHeaderFault(this.header);
      if (fault !== null) {
        this.lose();
        return fault;
      }
      this.left = agentHeader(this.header).size;
      this.header = NOTHING;
    }
    return null;
  }

  /** How many of the bytes belong to the message that is under way. */
  private skip(bytes: Buffer): number {
    const skipped = Math.min(this.left, bytes.length);
    this.left -= skipped;
    return skipped;
  }
}

function begins(body: Buffer): boolean {
  if (body.length < AGENT_HEADER_BYTES || agentHeaderFault(body) !== null) return false;
  const { size } = agentHeader(body);
  const opaque = body.readBigUInt64LE(8);
  const data = body.length - AGENT_HEADER_BYTES;
  return opaque === 0n && (data === size || (data < size && body.length === AGENT_DATA_MAX_BYTES));
}
