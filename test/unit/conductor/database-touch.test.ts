// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { DatabaseTouch } from '../../../src/conductor/database-touch.js';

/** An answer at a moment (milliseconds) by a database whose clock is 1000 s ahead of it, and `jump` more. */
const at = (sent: number, jump = 0): { sent: number; received: number; databaseTime: number } => ({
  ...{ sent, received: sent + 10, databaseTime: 1000 + (sent + 5) / 1000 + jump },
});

describe('the touch with the database', () => {
  it('is steady for as long as answers come', () => {
    const touch = new DatabaseTouch(3);
    expect(touch.steadyFor(0)).toBe(0);
    for (let now = 0; now <= 20_000; now += 1000) expect(touch.touched(at(now))).toBeNull();
    expect(touch.steadyFor(20_500)).toBe(20.5);
    expect(touch.databaseTime(20_500)).toBeCloseTo(1020.5);
  });

  it('is lost when none has come for too long, and begins anew', () => {
    const touch = new DatabaseTouch(3);
    touch.touched(at(0));
    expect(touch.steadyFor(3000)).toBe(3);
    expect(touch.steadyFor(3001)).toBe(0);
    touch.touched(at(10_000));
    expect(touch.steadyFor(11_000)).toBe(1);
  });

  it.each([3600, -3600])('begins anew when the clock of the database jumps by %i s', (jump) => {
    const touch = new DatabaseTouch(3);
    touch.touched(at(0));
    touch.touched(at(1000));
    expect(touch.touched(at(2000, jump))).toBeCloseTo(jump);
    expect(touch.jumpedAt).toBe(2000);
    expect(touch.steadyFor(2500)).toBe(0.5);
    expect(touch.touched(at(3000, jump))).toBeNull();
    expect(touch.databaseTime(3000)).toBeCloseTo(1003 + jump);
  });

  it('takes an answer that was long on its way for no jump', () => {
    const touch = new DatabaseTouch(3);
    touch.touched(at(0));
    expect(touch.touched({ sent: 1000, received: 4000, databaseTime: 1001 })).toBeNull();
  });
});
