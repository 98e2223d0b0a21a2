// SPDX-License-Identifier: Apache-2.0
// A paced display channel in a seamless migration: what its client has counted at the source, and what begins anew at the
// destination, whose hypervisor sends a SET_ACK of its own (seen on the wire) and counts messages on from the source's number.
import { describe, expect, it } from '@jest/globals';
import { AckAgent } from '../../../../src/console/pacing/ack-agent.js';
import { CLIENT_MESSAGE, SERVER_MESSAGE } from '../../../../src/console/spice/message-types.js';
import { drawCopy } from '../../../fixtures/display-bodies.js';
import { PacedDisplay } from '../../../fixtures/paced-display.js';
import { encodeMessage } from '../../../fixtures/spice-messages.js';

const { SET_ACK, MIGRATE, MIGRATE_DATA } = SERVER_MESSAGE.common;
const UP = CLIENT_MESSAGE.common;
const MINI = { miniHeader: true };

function draw(left: number, bytes: number): Buffer {
  const imageData = Buffer.alloc(bytes);
  imageData.writeUInt32LE(bytes - 4, 0);
  return drawCopy({ box: [left, 0, left + 32, 480], imageData }).bytes;
}

/** More than the link carries: what is hidden by later draws is left out. */
function busy(count: number): Buffer[] {
  return Array.from({ length: count }, (_unused, index) => draw((index % 20) * 32, 20_000));
}

describe('a paced display whose guest goes to another hypervisor', () => {
  it('gives the client all messages in front of the end, one for one, and its state behind it', () => {
    const source = new PacedDisplay();
    source.send(...busy(300));
    source.run(3000);
    source.send(encodeMessage(MIGRATE, Buffer.from([3, 0, 0, 0]), MINI));
    source.run(10_000);
    expect(source.got.at(-1)?.type).toBe(MIGRATE);
    expect(source.got).toHaveLength(source.sentMessages);
    source.say(UP.MIGRATE_FLUSH_MARK);
    source.run(200);
    expect(source.heard.at(-1)?.type).toBe(UP.MIGRATE_FLUSH_MARK);
    source.send(encodeMessage(MIGRATE_DATA, Buffer.alloc(88, 7), MINI));
    source.run(200);
    expect(source.got.at(-1)).toMatchObject({ type: MIGRATE_DATA, body: Buffer.alloc(88, 7) });
    // The serials of the destination go on from this count.
    expect(source.got).toHaveLength(source.sentMessages);
    expect([source.wedged, source.faults]).toEqual([false, []]);
  });

  it.each([
    ['paced', 'on', 80],
    ['not paced', 'auto', 1],
    ['paced no more', 'off', 80],
  ] as const)(
    'begins anew at the destination, which is %s, with the window of the source',
    (_how, mode, rtt) => {
      const destination = new PacedDisplay({ clientWindow: 1, pacing: { mode }, linkRtt: rtt });
      destination.say(UP.MIGRATE_DATA, Buffer.alloc(88, 7));
      destination.send(...busy(300));
      destination.run(20_000);
      expect(destination.heard.map(({ type }) => type)).toContain(UP.MIGRATE_DATA);
      expect(destination.got[0]?.type).toBe(SET_ACK);
      const syncs = destination.heard.filter(({ type }) => type === UP.ACK_SYNC);
      expect(syncs[0]?.body.readUInt32LE(0)).toBe(1);
      // Many windows: an ACK too early, or none, would have stopped it.
      expect(destination.sentMessages).toBe(301);
      expect(destination.got).toHaveLength(301);
      expect([destination.wedged, destination.faults]).toEqual([false, []]);
    },
  );

  // In a seamless migration spice-gtk keeps its queue: what it had still to send goes to the destination.
  describe.each([
    ['paced', 'on', 80],
    ['not paced', 'auto', 1],
  ] as const)('at a destination that is %s, and hears what was for the source', (_how, mode, rtt) => {
    function left(destination: PacedDisplay): void {
      destination.say(UP.ACK_SYNC, Buffer.from([1, 0, 0, 0]));
      for (let acks = 0; acks < 60; acks += 1) destination.say(UP.ACK);
      destination.say(UP.MIGRATE_DATA, Buffer.alloc(88, 7));
    }

    it.each([true, false])('is never acknowledged too early (SET_ACK comes late: %s)', (lateServer) => {
      const destination = new PacedDisplay({ clientWindow: 1, pacing: { mode }, linkRtt: rtt, lateServer });
      left(destination);
      if (lateServer) {
        destination.run(200);
        expect(destination.heard.map(({ type }) => type)).not.toContain(UP.ACK_SYNC);
        destination.setAck(20);
      }
      destination.send(...busy(300));
      destination.run(30_000);
      expect([destination.wedged, destination.faults]).toEqual([false, []]);
      expect(destination.sentMessages).toBe(301);
      expect(destination.got).toHaveLength(301);
    });
  });

  it('takes no answer to a SET_ACK of the source for one to its own', () => {
    const [source, destination] = [new AckAgent(), new AckAgent()];
    const [first, second] = [source, destination].map((agent) =>
      agent.taken({ generation: 1, window: 20 }, 1),
    );
    expect(destination.clientSync(first?.generation ?? 0)).toBe('drop');
    expect(destination.clientAck(1)).toBe('drop');
    expect([destination.waits, destination.counts]).toEqual([true, false]);
    expect(destination.clientSync(second?.generation ?? 0)).toBe('synced');
    expect(destination.clientAck(2)).toBe('arrived');
  });

  it('has no generation of a server for its own, for as long as it lives', () => {
    const agent = new AckAgent();
    agent.relayed({ generation: 1, window: 20 }, 1);
    const own = Array.from({ length: 50 }, () => [agent.takeOver().toClient, agent.handBack()]).flat();
    const generations = own.map(({ generation }) => generation);
    expect(new Set(generations).size).toBe(100);
    expect(Math.min(...generations)).toBeGreaterThanOrEqual(2 ** 31);
  });
});
