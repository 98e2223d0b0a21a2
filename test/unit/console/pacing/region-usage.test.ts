// SPDX-License-Identifier: Apache-2.0
// What regions are said to have had, and that neither time, places nor sizes upset the account.
import { beforeEach, describe, expect, it } from '@jest/globals';
import { regionOf, RegionUsage, type Region } from '../../../../src/console/pacing/region-usage.js';

function region(left: number, top: number, right: number, bottom: number, surface = 0): Region {
  return regionOf(surface, { left, top, right, bottom });
}

const SMALL = region(0, 0, 128, 64);
const LARGE = region(0, 0, 1024, 1024);

let usage: RegionUsage;

beforeEach(() => {
  usage = new RegionUsage();
});

describe('the density of a region', () => {
  it('is in bytes per tile', () => {
    usage.charge(SMALL, 1000, 0);
    expect(usage.density(SMALL, 0)).toBeCloseTo(500);
    expect(usage.density(region(64, 0, 128, 64), 0)).toBeCloseTo(500);
    expect(usage.density(region(64, 0, 192, 64), 0)).toBeCloseTo(250);
    expect(usage.density(region(128, 0, 192, 64), 0)).toBe(0);
  });

  it('falls to 1/e in 2 s', () => {
    usage.charge(SMALL, 1000, 5000);
    expect(usage.density(SMALL, 7000)).toBeCloseTo(500 / Math.E);
    expect(usage.density(SMALL, 5000)).toBeCloseTo(500 / Math.E);
  });

  it('survives hours', () => {
    usage.charge(SMALL, 1000, 0);
    for (const at of [50_000, 3_600_000, 86_400_000]) {
      usage.charge(SMALL, 1000, at);
      expect(usage.density(SMALL, at)).toBeCloseTo(500);
    }
  });

  it('counts large draws for the tiles in them, and small ones for the blocks around', () => {
    expect([SMALL.blocks, LARGE.blocks]).toEqual([false, true]);
    usage.charge(LARGE, 256_000, 0);
    expect(usage.density(SMALL, 0)).toBeCloseTo(1000);
    usage.charge(SMALL, 512_000, 0);
    expect(usage.density(LARGE, 0)).toBeCloseTo(3000);
  });

  it('is separate for surfaces', () => {
    usage.charge(SMALL, 1000, 0);
    expect(usage.density(region(0, 0, 128, 64, 1), 0)).toBe(0);
  });

  it('takes any place and size', () => {
    for (const far of [
      region(-32_767, -32_767, 32_767, 32_767),
      region(32_000, -9, 32_767, 1),
      region(-5, -5, -4, -4),
    ]) {
      usage.charge(far, 1000, 0);
      expect(usage.density(far, 0)).toBeGreaterThan(0);
      expect((far.lastColumn - far.firstColumn + 1) * (far.lastRow - far.firstRow + 1)).toBeLessThanOrEqual(
        256,
      );
    }
  });
});

describe('a region', () => {
  it('is cold when it has had hardly anything', () => {
    expect(usage.isCold(SMALL, 0)).toBe(true);
    usage.charge(SMALL, 2 * 599, 0);
    expect(usage.isCold(SMALL, 0)).toBe(true);
    usage.charge(SMALL, 4, 0);
    expect(usage.isCold(SMALL, 0)).toBe(false);
  });

  it('is cold when others have had much more', () => {
    usage.charge(SMALL, 2000, 0);
    expect(usage.isCold(SMALL, 0)).toBe(false);
    usage.charge(region(640, 640, 1280, 1280), 2_000_000, 0);
    expect(usage.isCold(SMALL, 0)).toBe(true);
    expect(usage.isCold(region(640, 640, 1280, 1280), 0)).toBe(false);
  });
});
