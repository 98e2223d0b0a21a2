// SPDX-License-Identifier: Apache-2.0
// The boot target on its own, without Kerbside: other tests believe what it reports.
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { decodeBlock, scancodesOf } from '../boot-target/decode.js';
import { crop, differingPixels, type Image } from '../boot-target/image.js';
import { delay, waitFor } from '../fixtures/program.js';
import { bootImage, type Guest, startGuest } from '../fixtures/qemu.js';
import { spicyScreenshot } from '../fixtures/x11.js';

let dir: string;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'kerbside-e2e-'));
});

afterAll(() => {
  rmSync(dir, { recursive: true, force: true });
});

async function screenshot(guest: Guest): Promise<Image> {
  const { image, log } = await spicyScreenshot(
    { host: guest.address, port: guest.port, password: guest.password },
    dir,
  );
  if (image === null) throw new Error(log);
  return image;
}

function scaled(image: Image, factor: number): Image {
  const [width, height] = [Math.round(image.width * factor), Math.round(image.height * factor)];
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to += 3) {
      const from = (Math.floor(y / factor) * image.width + Math.floor(x / factor)) * 3;
      rgb.set(image.rgb.subarray(from, from + 3), to);
    }
  }
  return { width, height, rgb };
}

async function withGuest(vga: string, use: (guest: Guest) => Promise<void>): Promise<void> {
  const guest = await startGuest({ dir: mkdtempSync(join(dir, `${vga}-`)), vga });
  try {
    await use(guest);
  } finally {
    await guest.stop();
  }
}

describe('the boot target', () => {
  it('assembles to an image of at most 64 KiB', async () => {
    const image = await bootImage(dir);
    expect(statSync(image).size).toBeLessThanOrEqual(65536);
  });

  it.each(['qxl', 'std'])('proves on %s by one screenshot which keys were typed', async (vga) => {
    await withGuest(vga, async (guest) => {
      for (const key of ['k', 'v', 'm', 'right']) await guest.key(key);
      await guest.serialLine(/^UP e04d$/);
      await waitFor('keys on the screen', async () => decodeBlock(await screenshot(guest))?.state.keys === 4);
      const found = decodeBlock(await screenshot(guest));
      expect(found).toMatchObject({
        x: 0,
        y: 0,
        cell: 8,
        state: { width: 640, height: 480, animating: false },
      });
      expect(found?.state.scancodes).toEqual([...scancodesOf('kvm'), 0xcd]);
      expect(guest.serial().filter((line) => line.startsWith('KEY'))).toEqual([
        'KEY 25',
        'KEY 2f',
        'KEY 32',
        'KEY e04d',
      ]);
    });
  });

  it('falls back to 320x200 on a card without a mode of 640x480x32', async () => {
    await withGuest('cirrus', async (guest) => {
      expect(guest.serial()).toEqual(['READY 320x200x8']);
      await guest.key('a');
      await guest.serialLine(/^UP 1e$/);
      await waitFor('key on the screen', async () => decodeBlock(await screenshot(guest))?.state.keys === 1);
    });
  });

  it('keeps its picture still until F1 makes it move, and still again after the next F1', async () => {
    await withGuest('qxl', async (guest) => {
      const still = await screenshot(guest);
      await delay(500);
      expect(differingPixels(still, await screenshot(guest))).toBe(0);

      await guest.key('f1');
      await guest.serialLine(/^ANIMATE on$/);
      await delay(1000);
      const moving = await screenshot(guest);
      expect(differingPixels(still, moving)).toBeGreaterThan((640 * 480) / 3);

      await guest.key('f1');
      const frames = Number((await guest.serialLine(/^ANIMATE off/)).split(' ')[2]);
      expect(frames).toBeGreaterThan(10);
      await waitFor('last frame', async () => decodeBlock(await screenshot(guest))?.state.frame === frames);
      expect(differingPixels(await screenshot(guest), await screenshot(guest))).toBe(0);
    });
  });
});

describe('the decoder', () => {
  it('finds no block in a picture that lacks a part of it', async () => {
    await withGuest('qxl', async (guest) => {
      const image = await screenshot(guest);
      expect(decodeBlock(image)).not.toBeNull();
      expect(decodeBlock(crop(image, 32, 0, 600, 480))).toBeNull();
    });
  });

  it.each([0.75, 1, 1.3, 2])('reads a screen that is shown %d times as large', async (factor) => {
    await withGuest('qxl', async (guest) => {
      const found = decodeBlock(scaled(await screenshot(guest), factor));
      expect(found?.state).toMatchObject({ width: 640, height: 480, keys: 0 });
      expect(found?.cell).toBeCloseTo(8 * factor, 0);
    });
  });

  it('finds no block whose checksum is wrong', async () => {
    await withGuest('qxl', async (guest) => {
      const image = await screenshot(guest);
      // One cell of row 5, which is otherwise black.
      for (let y = 56; y < 64; y++) image.rgb.fill(255, (y * 640 + 16) * 3, (y * 640 + 24) * 3);
      expect(decodeBlock(image)).toBeNull();
    });
  });
});
