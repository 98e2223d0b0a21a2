// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { agentAnnouncement, AgentListener } from '../../../../src/console/spice/agent-messages.js';

/** A VDAgentMessage; `size` says more than there is when it is cut. */
function agentMessage(type: number, data: Buffer, size = data.length): Buffer {
  const header = Buffer.alloc(20);
  header.writeUInt32LE(1, 0);
  header.writeUInt32LE(type, 4);
  header.writeUInt32LE(size, 16);
  return Buffer.concat([header, data]);
}

function monitors(...sizes: readonly (readonly [width: number, height: number])[]): Buffer {
  const words = [sizes.length, 0, ...sizes.flatMap(([width, height]) => [height, width, 32, 0, 0])];
  const data = Buffer.alloc(words.length * 4);
  words.forEach((word, index) => data.writeUInt32LE(word, index * 4));
  return data;
}

const CONFIG = 2;
const CLIPBOARD = 4;

describe('the agent of a message screen', () => {
  it('announces sizes, replies and sparse monitors, and that it takes no files', () => {
    expect(agentAnnouncement().toString('hex')).toBe(
      '01000000' + '06000000' + '0000000000000000' + '08000000' + '00000000' + '86200000',
    );
  });

  it('hears the size of the first monitor that has one', () => {
    const listener = new AgentListener();
    expect(listener.push(agentMessage(CONFIG, monitors([1280, 1024])))).toEqual({
      width: 1280,
      height: 1024,
    });
    expect(listener.push(agentMessage(CONFIG, monitors([0, 0], [640, 480])))).toEqual({
      width: 640,
      height: 480,
    });
  });

  it('passes over other messages, and over all pieces of one that is cut', () => {
    const listener = new AgentListener();
    expect(listener.push(agentMessage(CLIPBOARD, Buffer.alloc(100), 2500))).toBeNull();
    expect(listener.push(agentMessage(CONFIG, monitors([1280, 1024])).subarray(0, 48))).toBeNull();
    expect(listener.push(Buffer.alloc(2352))).toBeNull();
    expect(listener.push(agentMessage(CONFIG, monitors([1280, 1024])))).toEqual({
      width: 1280,
      height: 1024,
    });
  });

  it('is not misled by lengths that lie', () => {
    const many = monitors([0, 0]);
    many.writeUInt32LE(0xffffffff, 0);
    for (const body of [
      Buffer.alloc(0),
      Buffer.alloc(19),
      agentMessage(CONFIG, Buffer.alloc(7)),
      agentMessage(CONFIG, many),
    ])
      expect(new AgentListener().push(body)).toBeNull();
    expect(new AgentListener().push(agentMessage(CONFIG, monitors([800, 600]), 0xffffffff))).toBeNull();
  });
});
