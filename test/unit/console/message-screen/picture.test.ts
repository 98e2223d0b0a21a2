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

function words(about: Explained, seconds = 60, name: string | null = 'office-pc-17'): string {
  const { title, advice, reference } = screenText({ about, sessionId: 'gz6yNHMMfPFf', name }, NOON, seconds);
  return [title, ...advice, ...reference].join('\n');
}

/** Rows and columns that have something on them. */
function inked(
  about: Explained,
  size = USUAL_SIZE,
  name = 'office-pc-17',
): { rows: number[]; columns: number[] } {
  const { pixels, width } = drawScreen(
    screenText({ about, sessionId: 'gz6yNHMMfPFf', name }, NOON, 60),
    size,
  );
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

describe('the name of a desktop on a message screen', () => {
  it.each([
    ['office-pc-17', 'office-pc-17'],
    ['B\u00fcro M\u00fcnchen', 'B\u00fcro M\u00fcnchen'],
    ['Bu\u0308ro', 'B\u00fcro'],
    ['two\nlines\tand\u2028more  blanks ', 'two lines and more blanks'],
    ['esc\u001b[31mape\u0000d\u007f', 'esc[31maped'],
    ['turned \u202egnp.exe\u2066\u200b', 'turned gnp.exe'],
    ['half \ud800 pc', 'half  pc'],
    ['\u6771\u4eac pc 3', '?? pc 3'],
    ['z\u0335\u0336\u0337algo', 'zalgo'],
    ['<script>alert(1)</script>', '<script>alert(1)</script>'],
    ['a'.repeat(60), 'a'.repeat(60)],
    ['b'.repeat(100_000), `${'b'.repeat(60)}...`],
  ])('%j is %j', (name, shown) => {
    expect(words('stopped', 60, name).split('\n')).toContain(`Desktop ${shown}`);
  });

  it.each([null, '', ' \n', '\u6771\u4eac', '\u202e\u0000', '...', '\u0300'.repeat(100_000)])(
    'is left out where there is nothing to read in it: %j',
    (name) => {
      expect(words('stopped', 60, name)).not.toContain('Desktop ');
    },
  );

  it('stands on the picture, also where it fills lines', () => {
    const [without, usual, long] = ['', 'office-pc-17', 'W'.repeat(255)].map((name) =>
      inked('unreachable', { width: 640, height: 480 }, name),
    );
    expect(usual?.rows.length).toBeGreaterThan(without?.rows.length ?? 0);
    expect(long?.rows.length).toBeGreaterThan(usual?.rows.length ?? 0);
    expect(Math.max(...(long?.columns ?? [640]))).toBeLessThan(640 - 30);
    expect(Math.max(...(long?.rows ?? [480]))).toBeLessThan(480);
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
