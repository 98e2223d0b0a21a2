// SPDX-License-Identifier: Apache-2.0
// The order in which the queue sends, what it leaves out and puts in its place, and what it tells its owner.
import { beforeEach, describe, expect, it } from '@jest/globals';
import { DrawQueue, REPLACEMENT } from '../../../../src/console/pacing/draw-queue.js';
import type { Message } from '../../../../src/console/relay/stage.js';
import {
  displayMessage,
  drawCopy,
  streamCreate,
  streamData,
  wordsMessage,
  type Rect,
} from '../../../fixtures/display-bodies.js';

/** A draw of one tile, of 64 pixels, with that many bytes of data. */
function tile(column: number, row = 0, bytes = 100): Message {
  return draw([64 * column, 64 * row, 64 * column + 64, 64 * row + 64], bytes);
}

function draw(box: Rect, bytes = 100, clip?: readonly Rect[]): Message {
  const imageData = Buffer.alloc(4 + bytes);
  imageData.writeUInt32LE(bytes, 0);
  return drawCopy({ box, imageData, ...(clip === undefined ? {} : { clip }) });
}

const MARK = displayMessage(102, Buffer.alloc(0));

let queue: DrawQueue;

beforeEach(() => {
  queue = new DrawQueue();
});

function push(...messages: readonly Message[]): void {
  for (const message of messages) queue.push(message, 0);
}

/** Sends all that there is. */
function rest(at = 0): Message[] {
  const messages: Message[] = [];
  for (let message = queue.next(at); message !== null; message = queue.next(at)) messages.push(message);
  return messages;
}

describe('the order', () => {
  it('is that of the server between barriers', () => {
    const [a, b] = [tile(0), tile(1, 0, 1)];
    const fill = displayMessage(302, Buffer.alloc(40));
    push(a, MARK, fill, b);
    expect(rest()).toEqual([a, MARK, fill, b]);
  });

  it('gives the region the next turn that has had the least', () => {
    const [busy, again, quiet] = [tile(0, 0, 50_000), tile(0, 0, 50_000), tile(3, 0, 50_000)];
    push(busy);
    expect(queue.next(0)).toBe(busy);
    push(again, quiet);
    expect(rest()).toEqual([quiet, again]);
    expect(queue.counters).toMatchObject({ sentDraws: 3, overtakingDraws: 1 });
  });

  it('forgets what a region has had', () => {
    push(tile(0, 0, 50_000));
    rest();
    const [first, second] = [tile(0, 0, 1000), tile(3, 0, 1001)];
    queue.push(first, 60_000);
    queue.push(second, 60_000);
    expect(rest(60_000)).toEqual([first, second]);
  });

  it('is kept by draws that overlap', () => {
    push(tile(0, 0, 50_000));
    rest();
    const under = tile(0);
    const over = draw([32, 0, 96, 64]);
    push(under, over);
    expect(rest()).toEqual([under, over]);
  });

  it('is kept by the frames of one stream wherever they are shown', () => {
    push(streamCreate({ id: 1, codec: 3, box: [0, 0, 64, 64] }));
    rest();
    const frames = [streamData(1, 10, undefined, 9000), streamData(1, 20, [640, 0, 700, 64])];
    push(...frames);
    expect(rest()).toEqual(frames);
  });

  it('lets a PING overtake draws, and no barrier', () => {
    const ping = wordsMessage(4, 1, 0, 0);
    push(tile(0), MARK, tile(1), ping);
    expect(rest().map(({ type }) => type)).toEqual([304, 102, 4, 304]);
  });

  it('does not let a region wait for ever', () => {
    const waiting = tile(0, 0, 100_000);
    push(waiting);
    const sent: Message[] = [];
    for (let at = 0; at < 4000 && !sent.includes(waiting); at += 10) {
      queue.push(tile(1 + ((at / 10) % 100), 1), at);
      queue.push(tile(1 + ((at / 10) % 100), 2), at);
      sent.push(queue.next(at)!);
    }
    expect(sent.includes(waiting)).toBe(true);
  });

  it('does not let a region wait for ever that is drawn anew while another one overlaps it', () => {
    const [left, right] = [draw([0, 0, 60, 60]), draw([40, 0, 100, 60])];
    let sent: Message | null = null;
    for (let at = 0; at < 6000 && (sent === null || !sameBox(sent, left)); at += 10) {
      for (const message of [left, right, left, right]) queue.push({ ...message }, at);
      queue.push(tile(20, 20, 1), at);
      do sent = queue.next(at);
      while (sent === REPLACEMENT);
    }
    expect(sameBox(sent!, left)).toBe(true);
  });
});

function sameBox(a: Message, b: Message): boolean {
  return a.type === b.type && a.body.subarray(4, 20).equals(b.body.subarray(4, 20));
}

describe('a draw that a later one hides', () => {
  it('is replaced by an empty INVAL_LIST', () => {
    const [hidden, other, later] = [tile(1, 1), tile(5), draw([0, 0, 256, 256], 9000)];
    push(hidden, other, later);
    expect(queue.length).toBe(3);
    expect(queue.bytes).toBe(REPLACEMENT.bytes.length + other.bytes.length + later.bytes.length);
    const sent = rest();
    expect(sent[0]).toBe(REPLACEMENT);
    expect(sent.slice(1)).toEqual([other, later]);
    expect([...REPLACEMENT.bytes]).toEqual([105, 0, 2, 0, 0, 0, 0, 0]);
    expect(queue.counters).toMatchObject({ supersededDraws: 1, supersededBytes: hidden.bytes.length });
  });

  it('is sent when the later one is partial, clipped, behind a barrier or on another surface', () => {
    const box: Rect = [0, 0, 64, 64];
    push(
      draw(box),
      draw([0, 0, 64, 63]),
      draw(box, 100, [box, box]),
      draw(box, 100, [[0, 0, 64, 62]]),
      drawCopy({ surface: 1, box }),
      MARK,
      draw(box),
    );
    expect(rest()).not.toContain(REPLACEMENT);
  });

  it('is replaced where both are clipped by a rectangle, as those of QXL are', () => {
    const box: Rect = [0, 0, 64, 64];
    const later = draw(box, 100, [box]);
    push(draw(box, 100, [[8, 8, 64, 64]]), draw(box, 100, [box]), later);
    expect(rest()).toEqual([REPLACEMENT, REPLACEMENT, later]);
  });

  it('does not keep the others waiting with its replacements', () => {
    const waiting = tile(9);
    push(waiting, ...Array.from({ length: 100 }, () => tile(0)));
    const sent = rest();
    expect([sent.length, sent.indexOf(waiting)]).toEqual([101, 16]);
  });

  it('has its replacement between the barriers that it was between', () => {
    push(tile(0), MARK, tile(1), tile(1), MARK, tile(2));
    expect(rest().map(({ type }) => type)).toEqual([304, 102, 105, 304, 102, 304]);
  });
});

describe('frames of streams', () => {
  beforeEach(() => {
    push(
      streamCreate({ id: 1, box: [0, 0, 64, 64] }),
      streamCreate({ id: 2, codec: 3, box: [64, 0, 128, 64] }),
    );
    rest();
  });

  it('are superseded by newer ones of the stream when each is whole in itself', () => {
    push(streamData(1, 100), streamData(1, 133), streamData(1, 166));
    expect(rest().map(({ type }) => type)).toEqual([105, 105, 123]);
    expect(queue.counters).toMatchObject({ supersededFrames: 2, supersededDraws: 0 });
  });

  it('are all sent when they need each other', () => {
    push(streamData(2, 100), streamData(2, 133), draw([0, 0, 256, 256]));
    expect(rest().map(({ type }) => type)).toEqual([123, 123, 304]);
  });

  it.each([
    [133, 100],
    [0, 100],
    [100, 0],
    [0xfffffff0, 0x7fffffff],
  ])('are all sent when time does not go on: %d, then %d', (first, second) => {
    push(streamData(1, first), streamData(1, second));
    expect(rest()).not.toContain(REPLACEMENT);
  });

  it('are superseded across the end of the clock', () => {
    push(streamData(1, 0xfffffff0), streamData(1, 16));
    expect(rest()[0]).toBe(REPLACEMENT);
  });

  it('never hide a draw, since a client drops those that are late', () => {
    push(draw([0, 0, 64, 64]), streamData(1, 100));
    expect(rest()).not.toContain(REPLACEMENT);
  });

  it('are counted into the report of the client', () => {
    push(wordsMessage(319, 1, 7, 5, 1000));
    rest();
    push(streamData(1, 100), streamData(1, 133), streamData(1, 166));
    const report = wordsMessage(102, 1, 7, 90, 166, 1, 0, 20, 0).body;
    expect(queue.amendStreamReport(report)).toEqual(wordsMessage(102, 1, 7, 90, 166, 3, 2, 20, 0).body);
  });
});

describe('what the owner is told', () => {
  it('is that a barrier is next', () => {
    expect(queue.blockedByBarrier).toBe(false);
    push(tile(0), MARK, MARK, tile(1));
    const seen = [queue.blockedByBarrier];
    while (queue.next(0) !== null) seen.push(queue.blockedByBarrier);
    expect(seen).toEqual([false, true, true, false, false]);
  });

  it('is what a new draw has to wait for', () => {
    const [a, b] = [tile(0), tile(1)];
    push(a);
    expect(queue.bytesBeforeNewDraw).toBe(0);
    push(MARK);
    expect(queue.bytesBeforeNewDraw).toBe(a.bytes.length + 6);
    push(b);
    expect(queue.bytesBeforeNewDraw).toBe(a.bytes.length + 6);
    queue.next(0);
    expect(queue.bytesBeforeNewDraw).toBe(6);
    queue.next(0);
    expect(queue.bytesBeforeNewDraw).toBe(0);
  });

  it('is that a draw goes where nothing was drawn lately', () => {
    for (let at = 0; at < 2000; at += 20) {
      queue.push(tile((at / 20) % 4, 0, 20_000), at);
      queue.next(at);
    }
    expect(queue.isCold(tile(2, 0, 500), 2000)).toBe(false);
    expect(queue.isCold(tile(9, 0, 500), 2000)).toBe(true);
    expect(queue.isCold(MARK, 2000)).toBe(false);
  });
});

it('takes more draws than a segment holds', () => {
  const draws = Array.from({ length: 2000 }, (_, index) => tile(index % 100, Math.floor(index / 100)));
  push(...draws, MARK);
  const sent = rest();
  expect(sent.at(-1)).toBe(MARK);
  expect([sent.length, draws.every((message) => sent.includes(message))]).toEqual([2001, true]);
});
