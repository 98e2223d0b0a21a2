// SPDX-License-Identifier: Apache-2.0
// What looks like a lost packet, and what only like one.
import { describe, expect, it } from '@jest/globals';
import { LossWatch } from '../../../../src/console/pacing/loss-watch.js';

const LINK = { bandwidth: 1000, rttMs: 80 };
const SIZE = 10_000;

/** A link of 1000 bytes a millisecond, told of each message of {@link SIZE} bytes. */
class Link {
  readonly watch = new LossWatch();
  now = 0;
  private delivered = 0;

  /** Messages that come so many milliseconds behind each other. */
  arrive(messages: number, apart: number): void {
    for (let left = messages; left > 0; left -= 1) {
      const since = this.now;
      this.now += apart;
      this.watch.arrived({ now: this.now, since, size: SIZE, delivered: this.delivered }, LINK);
      this.delivered += SIZE;
    }
  }

  /** A wait of a round trip, and all that came meanwhile. */
  lose(): void {
    this.arrive(1, 90);
    this.arrive(8, 0);
    this.arrive(20, 10);
  }

  get lossy(): boolean {
    return this.watch.isLossy(this.now);
  }
}

describe('a link', () => {
  it('that loses two packets within seconds is one that loses, for a while', () => {
    const link = new Link();
    link.arrive(100, 10);
    link.lose();
    expect(link.lossy).toBe(false);
    link.lose();
    expect(link.lossy).toBe(true);
    link.arrive(790, 10);
    expect(link.lossy).toBe(false);
  });

  it('that loses one now and then is none', () => {
    const link = new Link();
    for (let time = 0; time < 5; time += 1) {
      link.lose();
      link.arrive(900, 10);
    }
    expect(link.lossy).toBe(false);
  });

  it.each([
    ['gets ten times slower', 100, 100],
    ['gets half as fast', 100, 20],
    ['pauses, and goes on as before', 1, 150],
  ])('that %s is none', (_what, messages, apart) => {
    const link = new Link();
    for (let time = 0; time < 3; time += 1) {
      link.arrive(100, 10);
      link.arrive(messages, apart);
    }
    link.arrive(10, 10);
    expect(link.lossy).toBe(false);
  });

  it('on which little is sent on purpose is none', () => {
    const link = new Link();
    for (let time = 0; time < 3; time += 1) {
      link.watch.quiet(link.now + 1);
      link.lose();
    }
    expect(link.lossy).toBe(false);
  });
});
