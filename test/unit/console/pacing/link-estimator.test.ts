// SPDX-License-Identifier: Apache-2.0
// The estimator against links in simulated time: where it comes to, how fast it follows, what does not mislead it.
import { describe, expect, it } from '@jest/globals';
import { LinkEstimator, type Flight } from '../../../../src/console/pacing/link-estimator.js';
import { SeededRandom } from '../../../fixtures/random.js';
import { SimulatedTcp } from '../../../fixtures/simulated-tcp.js';
import { mbit, SimulatedClock, SimulatedLink, type LinkShape } from '../../../fixtures/simulated-link.js';

const MESSAGE_BYTES = 46_000;
const PART_BYTES = 8192;

/** Sends messages by what the estimator allows, as the stage of the display channel does. */
class Sender {
  readonly estimator: LinkEstimator;
  readonly link: SimulatedLink;
  readonly clock = new SimulatedClock();
  /** Bytes of the messages; 0: there is nothing to send. */
  messageBytes = MESSAGE_BYTES;
  /** The client reads. */
  reading = true;
  /** Milliseconds for which the client keeps its acknowledgements to send them together. */
  bunchedFor = 0;
  private readonly unread: (() => void)[] = [];
  private tokens = 0;
  private at = 0;
  private current: Flight | null = null;
  private left = 0;
  private timer = false;

  /** @param Link what the messages go over */
  constructor(
    shape: Partial<LinkShape> = {},
    linkRttMs: number | null = null,
    seed = 1,
    Link: typeof SimulatedLink = SimulatedLink,
  ) {
    const full = { rate: mbit(10), rtt: 80, queue: Infinity, loss: 0, ...shape };
    const random = new SeededRandom(seed);
    this.link = new Link(this.clock, full, () => random.below(1_000_000) / 1_000_000);
    this.estimator = new LinkEstimator(0, linkRttMs);
    this.go();
  }

  /** Runs for so many milliseconds; gives the bytes that were delivered meanwhile. */
  run(milliseconds: number): number {
    const before = this.link.delivered;
    this.clock.runTo(this.clock.now() + milliseconds);
    return this.link.delivered - before;
  }

  resume(): void {
    this.reading = true;
    for (const read of this.unread.splice(0)) read();
  }

  go(): void {
    while (!this.timer) {
      const now = this.clock.now();
      const rate = Math.min(this.estimator.rate, 1e6);
      this.tokens = Math.min(this.tokens + (now - this.at) * rate, 20 * rate);
      this.at = now;
      if (this.current === null) {
        if (this.messageBytes === 0) this.estimator.starve();
        if (this.messageBytes === 0 || !this.estimator.open) return;
        this.current = this.estimator.send(now, this.messageBytes);
        this.left = this.messageBytes;
      }
      if (this.tokens <= 0) {
        this.timer = true;
        this.clock.after(Math.ceil(-this.tokens / rate) + 1, () => {
          this.timer = false;
          this.go();
        });
        return;
      }
      this.part(now, this.current);
    }
  }

  private part(now: number, flight: Flight): void {
    const bytes = Math.min(PART_BYTES, this.left);
    this.left -= bytes;
    this.tokens -= bytes;
    const last = this.left === 0;
    if (last) {
      flight.writtenAt = now;
      this.current = null;
    }
    this.link.carry(bytes, () => {
      if (!last) return;
      const read = (): void => this.read(flight);
      if (this.reading) read();
      else this.unread.push(read);
    });
  }

  private read(flight: Flight): void {
    const back = (): void =>
      this.link.back(() => {
        this.estimator.acknowledge(this.clock.now(), flight);
        this.go();
      });
    if (this.bunchedFor === 0) back();
    else this.clock.after(this.bunchedFor - (this.clock.now() % this.bunchedFor), back);
  }
}

/** Megabits a second that the estimator believes in. */
const believed = ({ estimator }: Sender): number => (estimator.bandwidth ?? 0) / 125;

/** Bytes that a TCP delivers in 30 seconds to which more is written than it can carry. */
function alwaysBusy(shape: LinkShape, seed: number): number {
  const clock = new SimulatedClock();
  const random = new SeededRandom(seed);
  const link = new SimulatedTcp(clock, shape, () => random.below(1_000_000) / 1_000_000);
  const more = (): void => {
    link.carry(MESSAGE_BYTES, more);
  };
  for (let step = 0; step < 20; step += 1) more();
  clock.runTo(5000);
  const before = link.delivered;
  clock.runTo(35_000);
  return link.delivered - before;
}

describe('the estimator', () => {
  it.each([
    [20, 50],
    [80, 10],
    [80, 50],
    [150, 4],
    [80, 2],
    [2, 200],
  ])('comes to a link of %i ms and %i Mbit/s within three seconds, and fills it', (rtt, rate) => {
    const sender = new Sender({ rtt, rate: mbit(rate) }, rtt);
    sender.run(3000);
    expect(believed(sender)).toBeGreaterThan(0.85 * rate);
    expect(believed(sender)).toBeLessThan(1.25 * rate);
    expect(sender.run(10_000)).toBeGreaterThan(0.93 * mbit(rate) * 10_000);
    expect(sender.estimator.rttMs).toBeGreaterThanOrEqual(rtt * 0.95);
    expect(sender.estimator.rttMs).toBeLessThan(rtt * 1.3 + 4);
  });

  it('keeps the queue of the link short', () => {
    const sender = new Sender({ rtt: 80, rate: mbit(10) }, 80);
    sender.run(3000);
    const waits: number[] = [];
    for (let step = 0; step < 400; step += 1) {
      sender.run(25);
      waits.push(sender.link.backlog / mbit(10));
    }
    waits.sort((a, b) => a - b);
    expect(waits[200]).toBeLessThan(40);
    expect(waits[380]).toBeLessThan(120);
  });

  it('follows a link that gets ten times slower within two seconds', () => {
    const sender = new Sender({ rtt: 80, rate: mbit(50) }, 80);
    sender.run(5000);
    sender.link.shape.rate = mbit(5);
    sender.run(2000);
    expect(believed(sender)).toBeGreaterThan(4);
    expect(believed(sender)).toBeLessThan(6.5);
    sender.run(2000);
    expect(sender.link.backlog / mbit(5)).toBeLessThan(200);
  });

  it.each([
    [20, 50],
    [80, 50],
    [100, 40],
  ])('follows a link of %i ms that gets ten times faster within two seconds', (rtt, rate) => {
    const sender = new Sender({ rtt, rate: mbit(rate / 10) }, rtt);
    sender.run(7000);
    sender.link.shape.rate = mbit(rate);
    sender.run(2000);
    expect(believed(sender)).toBeGreaterThan(0.8 * rate);
    expect(believed(sender)).toBeLessThan(1.3 * rate);
  });

  it('follows a round trip that gets ten times longer, and one that gets ten times shorter', () => {
    const sender = new Sender({ rtt: 20, rate: mbit(20) }, 20);
    sender.run(5000);
    sender.link.shape.rtt = 200;
    sender.run(2000);
    expect(sender.estimator.rttMs).toBeGreaterThan(190);
    expect(sender.estimator.rttMs).toBeLessThan(260);
    sender.link.shape.rtt = 20;
    sender.run(2000);
    expect(sender.estimator.rttMs).toBeLessThan(40);
    sender.run(1000);
    expect(sender.run(5000)).toBeGreaterThan(0.9 * mbit(20) * 5000);
  });

  it.each([0.001, 0.005, 0.02])('is not misled by the loss of %f of the packets', (loss) => {
    const sender = new Sender({ loss }, 80);
    sender.run(3000);
    expect(sender.run(20_000)).toBeGreaterThan(0.75 * mbit(10) * 20_000);
    expect(believed(sender)).toBeLessThan(25);
    expect(sender.link.backlog / mbit(10)).toBeLessThan(500);
  });

  it.each([
    [80, 10, 0.001, 4000],
    [80, 10, 0.005, 4000],
    [80, 10, 0.005, MESSAGE_BYTES],
    [20, 50, 0.005, MESSAGE_BYTES],
    [150, 4, 0.005, 4000],
    [80, 2, 0.02, 4000],
  ])(
    'keeps a TCP busy over %i ms and %i Mbit/s that lose %f of the packets, with messages of %i bytes',
    (rtt, rate, loss, bytes) => {
      const shape = { rtt, rate: mbit(rate), loss, queue: 200_000 };
      let paced = 0;
      let busy = 0;
      for (const seed of [1, 2, 3, 4]) {
        const sender = new Sender(shape, rtt, seed, SimulatedTcp);
        sender.messageBytes = bytes;
        sender.run(5000);
        paced += sender.run(30_000);
        busy += alwaysBusy(shape, seed);
      }
      expect(paced).toBeGreaterThan(0.85 * busy);
    },
  );

  it('is not misled by a short queue that drops what does not fit', () => {
    const sender = new Sender({ queue: 100_000 }, 80);
    sender.run(3000);
    expect(sender.run(10_000)).toBeGreaterThan(0.85 * mbit(10) * 10_000);
    expect(believed(sender)).toBeLessThan(20);
  });

  it('is not misled by acknowledgements that come in heaps', () => {
    const sender = new Sender({}, 80);
    sender.bunchedFor = 50;
    sender.run(4000);
    expect(believed(sender)).toBeGreaterThan(8);
    expect(believed(sender)).toBeLessThan(16);
    expect(sender.run(10_000)).toBeGreaterThan(0.85 * mbit(10) * 10_000);
  });

  it('bounds what is under way to a client that stops reading, and goes on as before', () => {
    const sender = new Sender({}, 80);
    sender.run(5000);
    sender.reading = false;
    sender.run(10_000);
    expect(sender.estimator.inFlight).toBeLessThan(3 * mbit(10) * 80 + 2 * MESSAGE_BYTES);
    sender.resume();
    sender.go();
    sender.run(2500);
    expect(believed(sender)).toBeGreaterThan(8);
    expect(believed(sender)).toBeLessThan(20);
    expect(sender.estimator.rttMs).toBeLessThan(130);
  });

  it.each([1500, 4000, 46_000])(
    'recovers from a link that was dead again and again, with messages of %i bytes',
    (bytes) => {
      const sender = new Sender({}, 80);
      sender.messageBytes = bytes;
      sender.run(5000);
      for (let stall = 0; stall < 8; stall += 1) {
        sender.reading = false;
        sender.run(3000);
        sender.resume();
        sender.go();
        sender.run(150);
      }
      sender.run(3000);
      expect(believed(sender)).toBeGreaterThan(8);
      expect(believed(sender)).toBeLessThan(20);
      expect(sender.run(5000)).toBeGreaterThan(0.9 * mbit(10) * 5000);
    },
  );

  it('keeps what it knows of a link on which little is sent', () => {
    const sender = new Sender({}, 80);
    sender.run(5000);
    sender.messageBytes = 0;
    sender.run(30_000);
    expect(believed(sender)).toBeGreaterThan(8);
    for (let step = 0; step < 50; step += 1) {
      sender.messageBytes = 2000;
      sender.go();
      sender.messageBytes = 0;
      sender.run(200);
    }
    expect(believed(sender)).toBeGreaterThan(8);
    expect(sender.estimator.rttMs).toBeLessThan(100);
  });

  it('finds the round trip that a congested link had hidden from it', () => {
    const sender = new Sender({}, null);
    sender.run(6000);
    expect(sender.estimator.rttMs).toBeLessThan(130);
  });

  it('counts the bytes of other channels into what the link carries', () => {
    const estimator = new LinkEstimator(0, 10);
    for (let at = 0; at < 1000; at += 10) {
      const flight = estimator.send(at, 10_000);
      estimator.alongside(10_000);
      flight.writtenAt = at;
      estimator.acknowledge(at + 10, flight);
    }
    expect(estimator.bandwidth).toBeCloseTo(2000, -1);
  });
});
