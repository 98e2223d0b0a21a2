// SPDX-License-Identifier: Apache-2.0
// The folder of recordings within its bounds: what goes, what stays, and what is said when nothing can go.
import { existsSync, mkdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { Unavailable } from '../../../src/exception.js';
import { DiskLane } from '../../../src/recording/disk-lane.js';
import { RecordingFolder, type FolderBounds } from '../../../src/recording/recording-folder.js';
import { scratchFolder } from '../../fixtures/scratch.js';

const NOW = 1_700_000_000;
const HOUR = 3600;
const folder = scratchFolder('kerbside-folder-');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A folder of its own for a test, and its time in seconds. */
class Scene {
  private static count = 0;
  readonly path = join(folder, `f${(Scene.count += 1)}`);
  readonly folder: RecordingFolder;
  now = NOW;

  constructor(bounds: Partial<FolderBounds> = {}) {
    mkdirSync(this.path, { mode: 0o700 });
    const all = { maxBytes: 0, maxAge: 0, ...bounds };
    this.folder = new RecordingFolder(this.path, all, new DiskLane(), () => this.now * 1000);
  }

  /** A recording of somebody else: so many bytes, last written to so many seconds ago. */
  file(name: string, bytes: number, age: number): string {
    const path = join(this.path, name);
    writeFileSync(path, Buffer.alloc(bytes));
    utimesSync(path, NOW - age, NOW - age);
    return path;
  }
}

describe('max_age', () => {
  it('removes what is older, and nothing that is no recording', async () => {
    const scene = new Scene({ maxAge: 10 * HOUR });
    const old = scene.file('old.kerbrec', 10, 11 * HOUR);
    const young = scene.file('young.kerbrec', 10, 9 * HOUR);
    const other = scene.file('notes.txt', 10, 99 * HOUR);
    await scene.folder.keepBounds();
    expect([old, young, other].map((path) => existsSync(path))).toEqual([false, true, true]);
    scene.now += 2 * HOUR;
    await scene.folder.keepBounds();
    expect(existsSync(young)).toBe(false);
  });

  it('lets a recording of another node live for a day after its last sign of life', async () => {
    const scene = new Scene({ maxAge: 10 * HOUR });
    const living = scene.file('a.kerbrec.part', 10, 23 * HOUR);
    const left = scene.file('b.kerbrec.part', 10, 25 * HOUR);
    await scene.folder.keepBounds();
    expect([living, left].map((path) => existsSync(path))).toEqual([true, false]);
  });
});

describe('max_bytes', () => {
  it('removes the oldest until the rest is within it', async () => {
    const scene = new Scene({ maxBytes: 1000 });
    const files = [500, 400, 300, 200].map((bytes, at) =>
      scene.file(`r${at}.kerbrec`, bytes, (9 - at) * HOUR),
    );
    await scene.folder.keepBounds();
    expect(files.map((path) => existsSync(path))).toEqual([false, true, true, true]);
    await scene.folder.grew(200);
    expect(files.map((path) => existsSync(path))).toEqual([false, true, true, true]);
  });

  it('never removes what is being written, and says that nothing can go', async () => {
    const scene = new Scene({ maxBytes: 1000 });
    const done = scene.file('done.kerbrec', 600, HOUR);
    const { path, file } = await scene.folder.create('s1');
    await file.write(Buffer.alloc(900));
    await scene.folder.grew(900);
    expect([existsSync(done), existsSync(path)]).toEqual([false, true]);
    await file.write(Buffer.alloc(200));
    await expect(scene.folder.grew(200)).rejects.toThrow(
      '[recording] max_bytes (1000) is used up by recordings that are being written',
    );
    await expect(scene.folder.check(5000)).rejects.toThrow('[recording] max_bytes is used up');
    await file.close();
    await scene.folder.finish(path);
    expect(existsSync(path)).toBe(false);
    await scene.folder.check(5000);
    expect(existsSync(path.replace('.part', ''))).toBe(false);
  });

  it('takes one that was lost like any other', async () => {
    const scene = new Scene({ maxBytes: 1000 });
    const { path, file } = await scene.folder.create('s1');
    await file.write(Buffer.alloc(2000));
    await file.close();
    scene.folder.abandon(path);
    await scene.folder.keepBounds();
    expect(existsSync(path)).toBe(false);
  });
});

describe('a recording that is being written', () => {
  it('is for its owner alone, named after its beginning and its session, and touched while it stands still', async () => {
    const scene = new Scene();
    const { path, file } = await scene.folder.create('../../s1');
    expect(path).toMatch(/\/20231114T221320Z-s1-[0-9a-f]{8}\.kerbrec\.part$/);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    utimesSync(path, NOW - 30 * HOUR, NOW - 30 * HOUR);
    await scene.folder.touch();
    expect(statSync(path).mtimeMs).toBe(NOW * 1000);
    rmSync(path);
    await scene.folder.touch();
    await file.close();
  });

  it('cannot begin in a folder that is gone', async () => {
    const scene = new Scene();
    rmSync(scene.path, { recursive: true });
    await expect(scene.folder.create('s1')).rejects.toThrow('ENOENT');
    await expect(scene.folder.check(5000)).rejects.not.toBeInstanceOf(Unavailable);
  });
});
