// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { ClientAgentStream, GuestAgentStream } from '../../../../src/console/firewall/agent-stream.js';

const MAX_CLIPBOARD = 100 * 1024 * 1024;
const MONITORS_CONFIG = 2;
const CLIPBOARD = 4;
const RELEASE = 9;

interface Header {
  readonly protocol?: number;
  readonly type?: number;
  readonly size: number;
}

function header({ protocol = 1, type = CLIPBOARD, size }: Header): Buffer {
  const bytes = Buffer.alloc(20);
  bytes.writeUInt32LE(protocol, 0);
  bytes.writeUInt32LE(type, 4);
  bytes.writeUInt32LE(size, 16);
  return bytes;
}

const chunk = (of: Header, data: number): Buffer => Buffer.concat([header(of), Buffer.alloc(data)]);

/** The rule that the last of the parts breaks, the others being good. */
function ruleOf(stream: { push(body: Buffer): { rule: string } | null }, ...parts: Buffer[]): string | null {
  const rules = parts.map((part) => stream.push(part)?.rule ?? null);
  expect(rules.slice(0, -1).every((rule) => rule === null)).toBe(true);
  return rules.at(-1) ?? null;
}

const toAgent = (...parts: Buffer[]): string | null => ruleOf(new ClientAgentStream(), ...parts);
const toClient = (...parts: Buffer[]): string | null => ruleOf(new GuestAgentStream(), ...parts);

/** Type, and the least and the most of its data in bytes. */
const SIZES: readonly (readonly [type: number, least: number, most: number])[] = [
  [1, 13, 64],
  [2, 8, 8 + 256 * 24],
  [3, 8, 64],
  [4, 4, MAX_CLIPBOARD + 8],
  [5, 8, 64],
  [6, 4, 4096],
  [7, 0, 4096],
  [8, 4, 8],
  [9, 0, 4],
  [10, 4, 65_536],
  [11, 8, 65_536],
  [12, 12, 1_048_588],
  [13, 0, 64],
  [14, 4, 4],
  [15, 3, 513],
  [16, 0, 65_536],
];

describe.each([
  ['to the agent', toAgent],
  ['to the client', toClient],
])('an agent message %s', (_way, rule) => {
  it.each(SIZES)('of type %i has from %i to %i bytes', (type, least, most) => {
    expect([rule(header({ type, size: least })), rule(header({ type, size: most }))]).toEqual([null, null]);
    expect(rule(header({ type, size: most + 1 }))).toBe('agent_size');
    if (least > 0) expect(rule(header({ type, size: least - 1 }))).toBe('agent_size');
  });

  it('has the protocol and the types that there are', () => {
    expect(rule(header({ protocol: 0, size: 8 }))).toBe('agent_type');
    expect(rule(header({ protocol: 2, size: 8 }))).toBe('agent_type');
    expect(rule(header({ type: 0, size: 8 }))).toBe('agent_type');
    expect(rule(header({ type: 17, size: 8 }))).toBe('agent_type');
  });

  it('may come in parts', () => {
    expect(rule(chunk({ size: 40 }, 10), Buffer.alloc(30), header({ type: 0, size: 0 }))).toBe('agent_type');
  });
});

describe('an agent message of a client', () => {
  it('begins with its whole header', () => {
    expect(toAgent(header({ size: 4 }).subarray(0, 19))).toBe('agent_chunk');
    expect(toAgent(Buffer.alloc(0))).toBe('agent_chunk');
  });

  it('is not followed by another one in the same part', () => {
    expect(toAgent(chunk({ size: 40 }, 41))).toBe('agent_chunk');
    expect(toAgent(chunk({ size: 40 }, 20), Buffer.alloc(21))).toBe('agent_chunk');
    expect(
      toAgent(chunk({ size: 40 }, 20), Buffer.alloc(0), Buffer.alloc(20), header({ type: RELEASE, size: 0 })),
    ).toBeNull();
  });

  it('holds the monitors that it counts', () => {
    const monitors = (count: number, size: number): Buffer[] => {
      const start = Buffer.alloc(8);
      start.writeUInt32LE(count, 0);
      return [header({ type: MONITORS_CONFIG, size }), start.subarray(0, 3), start.subarray(3)];
    };
    expect(toAgent(...monitors(256, 8 + 256 * 20))).toBeNull();
    expect(toAgent(...monitors(257, 8 + 257 * 20))).toBe('monitors_config');
    expect(toAgent(...monitors(2, 8 + 39))).toBe('monitors_config');
    expect(toAgent(...monitors(2, 8 + 2 * 24))).toBeNull();
  });

  it('may be given up where the agent comes or goes, and may go on', () => {
    for (const next of [Buffer.alloc(30), chunk({ size: 40 }, 40)]) {
      const stream = new ClientAgentStream();
      expect(stream.push(chunk({ size: 40 }, 10))).toBeNull();
      stream.interrupt();
      expect(stream.push(next)).toBeNull();
      expect(stream.push(header({ type: 0, size: 0 }))?.rule).toBe('agent_type');
    }
  });

  it('between two messages changes nothing when the agent comes', () => {
    const stream = new ClientAgentStream();
    stream.interrupt();
    expect(stream.push(Buffer.alloc(10))?.rule).toBe('agent_chunk');
  });

  it('is found again after a fault that has passed', () => {
    const stream = new ClientAgentStream();
    expect(stream.push(Buffer.alloc(10))?.rule).toBe('agent_chunk');
    expect([stream.push(Buffer.alloc(2048)), stream.push(chunk({ size: 40 }, 40))]).toEqual([null, null]);
    expect(stream.push(Buffer.alloc(10))?.rule).toBe('agent_chunk');
  });
});

describe('agent messages of a guest', () => {
  it('may be cut anywhere, and may share a part', () => {
    const bytes = Buffer.concat([
      chunk({ size: 40 }, 40),
      header({ type: RELEASE, size: 0 }),
      header({ type: 0, size: 0 }),
    ]);
    for (let at = 0; at <= 80; at += 1)
      expect(toClient(bytes.subarray(0, at), bytes.subarray(at, 80), bytes.subarray(80))).toBe('agent_type');
  });

  it('begin anew with another agent', () => {
    const stream = new GuestAgentStream();
    expect(stream.push(chunk({ size: 40 }, 10))).toBeNull();
    stream.reset();
    expect(stream.push(header({ type: 17, size: 0 }))?.rule).toBe('agent_type');
    expect(stream.push(header({ type: 17, size: 0 }))).toBeNull();
    stream.reset();
    expect(stream.push(header({ size: 0xffffffff }))?.rule).toBe('agent_size');
  });
});
