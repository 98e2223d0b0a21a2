// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { SessionPacer } from '../../../../src/console/pacing/session-pacer.js';

const MAX_OVERREAD = 3;
const aPacer = (): SessionPacer => new SessionPacer({ maxQueueBytes: 4_194_304, maxOverread: MAX_OVERREAD });
const CHANNEL = { wake: () => undefined, queueBytes: 0, supersededDraws: 0 };

/** A screen of 640x480 at 30 frames a second that compresses badly, bytes a millisecond. */
const BUSY = 27_000;

describe('a server sends ahead after an input', () => {
  it('for as long as its guest may need to answer, on the busiest screen', () => {
    const pacer = aPacer();
    pacer.input(1000);
    let until = 1000;
    while (pacer.boosting(until)) {
      pacer.received(BUSY);
      until += 1;
    }
    expect(until).toBe(1400);
  });

  it('and for a moment only once the answer has come', () => {
    const pacer = aPacer();
    pacer.input(1000);
    expect(pacer.answered(1100)).toBe(1000);
    expect([pacer.boosting(1139), pacer.boosting(1140)]).toEqual([true, false]);
  });

  it('no more than the ratio allows when inputs follow each other', () => {
    const pacer = aPacer();
    pacer.add(CHANNEL, 0);
    const delivered = 1250;
    let read = 0;
    let arrived = 0;
    for (let now = 0; now < 60_000; now += 1) {
      if (now % 100 === 0) pacer.input(now);
      if (pacer.boosting(now)) {
        pacer.received(BUSY);
        read += BUSY;
      }
      pacer.acknowledge(now, pacer.send(now, delivered, CHANNEL));
      arrived += delivered;
    }
    expect(read).toBeGreaterThan(2.5 * arrived);
    expect(read).toBeLessThanOrEqual(MAX_OVERREAD * arrived + 16_777_216 + BUSY);
  });

  it('again soon after far more was read than was delivered', () => {
    const pacer = aPacer();
    pacer.add(CHANNEL, 0);
    pacer.received(1_000_000_000);
    pacer.input(0);
    expect(pacer.boosting(0)).toBe(false);
    for (let now = 0; now < 600; now += 1) pacer.acknowledge(now, pacer.send(now, 1250, CHANNEL));
    pacer.input(600);
    expect(pacer.boosting(600)).toBe(true);
  });
});
