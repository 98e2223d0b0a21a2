// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { DatabaseClock } from '../../../src/conductor/database-clock.js';

/** An answer at a moment (milliseconds) by a database whose clock is 1000 s ahead of it, and `jump` more. */
const at = (sent: number, jump = 0): { sent: number; received: number; databaseTime: number } => ({
  ...{ sent, received: sent + 10, databaseTime: 1000 + (sent + 5) / 1000 + jump },
});

describe('the clock with the database', () => {
  it('is steady for as long as answers come', () => {
    const clock = new DatabaseClock(3);
    expect(clock.connectedFor(0)).toBe(0);
    for (let now = 0; now <= 20_000; now += 1000) expect(clock.observe(at(now))).toBeNull();
    expect(clock.connectedFor(20_500)).toBe(20.5);
    expect(clock.databaseTime(20_500)).toBeCloseTo(1020.5);
  });

  it('is lost when none has come for too long, and begins anew', () => {
    const clock = new DatabaseClock(3);
    clock.observe(at(0));
    expect(clock.connectedFor(3000)).toBe(3);
    expect(clock.connectedFor(3001)).toBe(0);
    clock.observe(at(10_000));
    expect(clock.connectedFor(11_000)).toBe(1);
  });

  it('begins anew when a statement has failed, however soon the next one is answered', () => {
    const clock = new DatabaseClock(3);
    clock.observe(at(0));
    clock.observe(at(1000));
    clock.failed();
    expect(clock.connectedFor(2000)).toBe(0);
    expect(clock.observe(at(2000))).toBeNull();
    expect(clock.connectedFor(2500)).toBe(0.5);
  });

  it('notices a jump that happened while statements failed', () => {
    const clock = new DatabaseClock(3);
    clock.observe(at(0));
    clock.failed();
    expect(clock.observe(at(1000, 60))).toBeCloseTo(60);
    expect(clock.jumpedAt).toBe(1000);
  });

  it.each([3600, -3600])('begins anew when the clock of the database jumps by %i s', (jump) => {
    const clock = new DatabaseClock(3);
    clock.observe(at(0));
    clock.observe(at(1000));
    expect(clock.observe(at(2000, jump))).toBeCloseTo(jump);
    expect(clock.jumpedAt).toBe(2000);
    expect(clock.connectedFor(2500)).toBe(0.5);
    expect(clock.observe(at(3000, jump))).toBeNull();
    expect(clock.databaseTime(3000)).toBeCloseTo(1003 + jump);
  });

  it('lets nothing be over before its time because it was set forward, for a while', () => {
    const clock = new DatabaseClock(3);
    clock.observe(at(0));
    clock.observe(at(1000, 3600));
    expect(clock.databaseTime(2000)).toBeCloseTo(1002 + 3600);
    expect(clock.dueTime(2000, 60)).toBeCloseTo(1002);
    expect(clock.dueTime(62_000, 60)).toBeCloseTo(1062 + 3600);
    clock.observe(at(2000, 0));
    expect(clock.dueTime(3000, 60)).toBeCloseTo(1003);
    clock.observe(at(3000, -3600));
    expect(clock.dueTime(4000, 60)).toBeCloseTo(1004 - 3600);
  });

  it('takes several that ask beside each other for one', () => {
    const clock = new DatabaseClock(3);
    clock.observe(at(0));
    clock.observe(at(3000));
    clock.observe(at(2500));
    expect(clock.connectedFor(6000)).toBe(6);
  });

  it('takes an answer that was long on its way for no jump', () => {
    const clock = new DatabaseClock(3);
    clock.observe(at(0));
    expect(clock.observe({ sent: 1000, received: 4000, databaseTime: 1001 })).toBeNull();
  });
});
