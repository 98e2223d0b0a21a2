// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from '@jest/globals';
import { drawScreen, pictureSize, USUAL_SIZE } from '../../../../src/console/message-screen/picture.js';
import { hasGlyph } from '../../../../src/console/message-screen/font.js';
import { screenText } from '../../../../src/console/message-screen/screen-text.js';
import { canBeBack } from '../../../../src/console/message-screen/subject.js';
import { screenConnectionId, screenOf } from '../../../../src/console/screen-name.js';
import type { Explained } from '../../../../src/service/explanation.js';

const ALL: readonly Explained[] = [
  ...(['absent', 'unknown', 'limited', 'unavailable', 'stopped', 'moving', 'building', 'in_use'] as const),
  ...(['terminated', 'gone', 'unreachable', 'refused', 'wrong_guest', 'forbidden', 'machine_ended'] as const),
  ...(['idle', 'interrupted', 'not_opened', 'lost', 'console_in_use', 'replaced'] as const),
];
const NOON = Date.UTC(2026, 10, 29, 12, 0, 59);

function words(about: Explained, seconds = 60): string {
  const { title, advice, reference } = screenText({ about, sessionId: 'gz6yNHMMfPFf' }, NOON, seconds);
  return [title, ...advice, ...reference].join('\n');
}

/** Rows and columns that have something on them. */
function inked(about: Explained, size = USUAL_SIZE): { rows: number[]; columns: number[] } {
  const { pixels, width } = drawScreen(screenText({ about, sessionId: 'gz6yNHMMfPFf' }, NOON, 60), size);
  const rows = new Set<number>();
  const columns = new Set<number>();
  pixels.forEach((value, index) => {
    if (value === 0) return;
    rows.add(Math.floor(index / width));
    columns.add(index % width);
  });
  return { rows: [...rows], columns: [...columns] };
}

describe('the words of a message screen', () => {
  it.each(ALL)('about %s: a page to load is not spoken of, every letter has a shape', (about) => {
    expect(words(about)).not.toMatch(/load/i);
    expect(Array.from(words(about).replaceAll('\n', '')).filter((letter) => !hasGlyph(letter))).toEqual([]);
    expect(words(about)).toContain('Session gz6yNHMMfPFf');
    expect(words(about)).toContain('Time 2026-11-29 12:00 UTC');
  });

  it('offer a key where the desktop can be back, and only there', () => {
    for (const about of ALL) expect(words(about).includes('Press any key')).toBe(canBeBack(about));
    expect(canBeBack('unreachable')).toBe(true);
    expect(canBeBack('gone')).toBe(false);
  });

  it.each([
    [60, 'a minute'],
    [45, '45 seconds'],
    [600, '10 minutes'],
    [90, '90 seconds'],
  ])('say how long %i s are', (seconds, said) => {
    expect(words('stopped', seconds)).toContain(`closes by itself after ${said}.`);
  });
});

describe('the picture of a message screen', () => {
  it.each([
    USUAL_SIZE,
    { width: 640, height: 480 },
    { width: 1280, height: 1024 },
    { width: 1920, height: 1080 },
  ])('has all of its text with a margin around it: %j', (size) => {
    // Those with the longest words.
    for (const about of ['unreachable', 'machine_ended', 'unavailable'] as const) {
      const { rows, columns } = inked(about, size);
      expect(Math.min(...columns)).toBeGreaterThanOrEqual(30);
      expect(Math.max(...columns)).toBeLessThan(size.width - 30);
      expect(Math.min(...rows)).toBeGreaterThanOrEqual(30);
      expect(Math.max(...rows)).toBeLessThan(size.height - 8);
    }
  });

  it('is as large as the window, within bounds', () => {
    expect(pictureSize({ width: 1280, height: 1024 })).toEqual({ width: 1280, height: 1024 });
    expect(pictureSize({ width: 1, height: 1 })).toEqual({ width: 640, height: 480 });
    expect(pictureSize({ width: 0xffffffff, height: 0xffffffff })).toEqual({ width: 3840, height: 2160 });
  });
});

describe('the connection id of a message screen', () => {
  it.each(ALL)('says that it is about %s, to the holder of its ticket only', (about) => {
    const id = screenConnectionId('a ticket', about);
    expect(id).toBeGreaterThan(0);
    expect(id).toBeLessThan(2 ** 32);
    expect(screenOf('a ticket', id)).toBe(about);
    expect(screenOf('another ticket', id)).toBeNull();
  });

  it('is none of those that are not made so', () => {
    for (const id of [0, 1, 0xff, 0xffffffff, 0x80000000]) expect(screenOf('a ticket', id)).toBeNull();
  });
});
