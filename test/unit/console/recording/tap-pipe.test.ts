// SPDX-License-Identifier: Apache-2.0
// The pipe by which a relay worker tells its parent of channels: the bytes arrive as they were sent, a parent that is slow makes
// channels wait, and one that takes nothing loses them without stopping them.
import { PassThrough, Writable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { Tap } from '../../../../src/console/recording/tap.js';
import { TapPipe } from '../../../../src/console/recording/tap-pipe.js';
import { TapFrameReader, type TapFrame } from '../../../../src/console/recording-wire.js';
import type { Direction, StagePorts } from '../../../../src/console/relay/stage.js';
import { ManualTimers, settled } from '../../../fixtures/manual-timers.js';
import { SeededRandom } from '../../../fixtures/random.js';

const MB = 1024 * 1024;
/** Milliseconds that little data may wait for more. */
const GATHER_MS = 20;
const FACTS = {
  ...{ connectionRef: 'c1', channelType: 2, channelId: 0, miniHeader: true },
  ...{ clientCaps: [1], backendCaps: [2, 3] },
};

/** A parent that takes what a test lets it take. */
class SlowParent {
  readonly frames: TapFrame[] = [];
  private readonly reader = new TapFrameReader((frame) =>
    this.frames.push(frame.kind === 'data' ? { ...frame, bytes: Buffer.from(frame.bytes) } : frame),
  );
  /** How often it was written to. */
  writes = 0;
  private waiting: (() => void)[] = [];
  private free = false;
  readonly socket = new Writable({
    write: (bytes: Buffer, _encoding, done) => {
      this.writes += 1;
      const take = (): void => {
        this.reader.push(bytes);
        done();
      };
      if (this.free) take();
      else this.waiting.push(take);
    },
  });

  /** Takes one piece of what waits. */
  take(): void {
    this.waiting.shift()?.();
  }

  /** Takes everything from now on. */
  takeAll(): void {
    this.free = true;
    this.take();
  }

  /** The bytes of a channel in a direction. */
  bytes(channel: number, up = false): Buffer {
    const pieces = this.frames.flatMap((frame) =>
      frame.kind === 'data' && frame.channel === channel && frame.up === up ? [frame.bytes] : [],
    );
    return Buffer.concat(pieces);
  }
}

/** A channel with a tap, and which of its directions stand. */
class Channel {
  readonly standing = new Set<Direction>();
  readonly tap: Tap;

  constructor(pipe: TapPipe) {
    this.tap = new Tap(pipe, FACTS, () => 1_700_000_000_000);
    const hold = (direction: Direction): (() => void) => {
      this.standing.add(direction);
      return () => this.standing.delete(direction);
    };
    this.tap.start({ hold } as StagePorts);
  }
}

function start(): { parent: SlowParent; timers: ManualTimers; pipe: TapPipe } {
  const parent = new SlowParent();
  const timers = new ManualTimers();
  return { parent, timers, pipe: new TapPipe(() => parent.socket, timers) };
}

describe('the tap pipe', () => {
  it('brings the bytes of all channels as they were, though their memory is used again at once', async () => {
    const { parent, pipe } = start();
    const random = new SeededRandom(3);
    const channels = [new Channel(pipe), new Channel(pipe)];
    const sent = channels.map((): Buffer[] => []);
    const shared = Buffer.alloc(200_000);
    for (let turn = 0; turn < 60; turn += 1) {
      const at = random.below(2);
      const length = 1 + random.below(turn % 7 === 0 ? shared.length : 500);
      shared.fill(turn + 1, 0, length);
      channels[at]?.tap.tap('down', shared.subarray(0, length));
      sent[at]?.push(Buffer.from(shared.subarray(0, length)));
      if (turn % 5 === 0) await settled();
      if (turn % 9 === 0) parent.take();
    }
    for (const { tap } of channels) tap.close();
    parent.takeAll();
    await settled();
    expect(parent.frames[0]).toEqual({ kind: 'open', channel: 1, time: 1_700_000_000_000, facts: FACTS });
    sent.forEach((pieces, at) => expect(parent.bytes(at + 1).equals(Buffer.concat(pieces))).toBe(true));
    expect(parent.frames.slice(-2).map(({ kind, channel }) => [kind, channel])).toEqual([
      ['close', 1],
      ['close', 2],
    ]);
  });

  it('writes what comes within 20 ms at once, much of it and an end without a wait', async () => {
    const { parent, timers, pipe } = start();
    parent.takeAll();
    const channel = new Channel(pipe);
    await settled();
    const writes = parent.writes;
    for (let turn = 0; turn < 15; turn += 1) {
      channel.tap.tap('down', Buffer.alloc(8192, turn));
      await settled();
    }
    expect(parent.writes).toBe(writes);
    channel.tap.tap('down', Buffer.alloc(8192, 15));
    await settled();
    expect(parent.writes).toBe(writes + 1);
    expect(parent.bytes(1).length).toBe(16 * 8192);

    channel.tap.tap('up', Buffer.from('a key'));
    await timers.pass(GATHER_MS);
    expect(parent.bytes(1, true).toString()).toBe('a key');
    channel.tap.tap('up', Buffer.from(', and the last'));
    channel.tap.close();
    await settled();
    expect(parent.bytes(1, true).toString()).toBe('a key, and the last');
    expect(parent.frames.at(-1)?.kind).toBe('close');
    expect(timers.pending).toBe(0);
  });

  it('lets channels stand while much waits, and go on when little does', async () => {
    const { parent, timers, pipe } = start();
    const channel = new Channel(pipe);
    channel.tap.tap('down', Buffer.alloc(5 * MB));
    await settled();
    expect([...channel.standing]).toEqual(['up', 'down']);
    parent.takeAll();
    await settled();
    expect([...channel.standing]).toEqual([]);
    expect(timers.pending).toBe(0);
    channel.tap.tap('up', Buffer.from('more'));
    await timers.pass(GATHER_MS);
    expect(parent.bytes(1, true).toString()).toBe('more');
  });

  it('loses no channel to a parent that is slow, as long as it takes something in a second', async () => {
    const { parent, timers, pipe } = start();
    const channel = new Channel(pipe);
    channel.tap.tap('down', Buffer.alloc(5 * MB, 1));
    await settled();
    for (let second = 0; second < 15; second += 1) {
      expect(channel.standing.size).toBe(2);
      parent.take();
      await timers.pass(1000);
    }
    parent.takeAll();
    await settled();
    expect(channel.standing.size).toBe(0);
    expect(parent.frames.some(({ kind }) => kind === 'lost')).toBe(false);
    expect(parent.bytes(1).length).toBe(5 * MB);
  });

  it('lets channels go on without being recorded when the parent takes nothing for a second', async () => {
    const { parent, timers, pipe } = start();
    const channel = new Channel(pipe);
    channel.tap.tap('down', Buffer.alloc(5 * MB));
    await settled();
    await timers.pass(999);
    expect(channel.standing.size).toBe(2);
    await timers.pass(1);
    expect(channel.standing.size).toBe(0);
    channel.tap.tap('down', Buffer.from('unheard'));
    parent.takeAll();
    await settled();
    await settled();
    expect(parent.bytes(1).length).toBe(5 * MB);
    expect(parent.frames.at(-1)).toMatchObject({ kind: 'lost', channel: 1 });
    const later = new Channel(pipe);
    later.tap.tap('down', Buffer.from('heard'));
    await timers.pass(GATHER_MS);
    expect(parent.bytes(2).toString()).toBe('heard');
  });

  it('lets channels go on when the parent is gone, and later ones too', async () => {
    const socket = new PassThrough({ highWaterMark: 1 });
    const pipe = new TapPipe(() => socket, new ManualTimers());
    const channel = new Channel(pipe);
    channel.tap.tap('down', Buffer.alloc(5 * MB));
    await settled();
    expect(channel.standing.size).toBe(2);
    socket.destroy(new Error('EPIPE'));
    await settled();
    expect(channel.standing.size).toBe(0);
    const later = new Channel(pipe);
    later.tap.tap('down', Buffer.alloc(5 * MB));
    await settled();
    expect(later.standing.size).toBe(0);
  });
});
