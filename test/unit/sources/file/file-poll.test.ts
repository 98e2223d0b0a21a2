// SPDX-License-Identifier: Apache-2.0
// Changes of a file are noticed however they are made.
import { mkdtempSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FilePoll } from '../../../../src/sources/file/file-poll.js';

describe('FilePoll', () => {
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kerbside-poll-'));
    path = join(folder, 'sources.yaml');
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  function write(text: string, to = path): void {
    writeFileSync(to, text);
    const past = Date.now() / 1000 - 60;
    utimesSync(to, past, past);
  }

  async function contentOf(poll: FilePoll, force = false): Promise<string> {
    const result = await poll.poll(force);
    return result.kind === 'changed' ? result.bytes.toString() : result.kind;
  }

  it('gives the content once, and again when it is forced to', async () => {
    write('one');
    const poll = new FilePoll(path);
    expect(await contentOf(poll)).toBe('one');
    expect(await contentOf(poll)).toBe('unchanged');
    expect(await contentOf(poll, true)).toBe('one');
  });

  it('notices an edit that keeps size and time stamp', async () => {
    write('one');
    const poll = new FilePoll(path);
    await poll.poll(false);
    const { atime, mtime } = statSync(path);
    writeFileSync(path, 'two');
    utimesSync(path, atime, mtime);
    expect(await contentOf(poll)).toBe('two');
  });

  it('does not call a file changed whose time stamp alone is new', async () => {
    write('one');
    const poll = new FilePoll(path);
    await poll.poll(false);
    utimesSync(path, 1_000_000, 1_000_000);
    expect(await contentOf(poll)).toBe('unchanged');
  });

  it('notices a file that was put in its place, and a link that was turned', async () => {
    write('one', join(folder, 'one'));
    write('two', join(folder, 'two'));
    write('three', join(folder, 'three'));
    symlinkSync(join(folder, 'one'), path);
    const poll = new FilePoll(path);
    expect(await contentOf(poll)).toBe('one');
    symlinkSync(join(folder, 'two'), join(folder, 'next'));
    renameSync(join(folder, 'next'), path);
    expect(await contentOf(poll)).toBe('two');
    renameSync(join(folder, 'three'), path);
    expect(await contentOf(poll)).toBe('three');
  });

  it('notices a change of a large file', async () => {
    write('x'.repeat(2_000_000));
    const poll = new FilePoll(path);
    await poll.poll(false);
    expect(await contentOf(poll)).toBe('unchanged');
    write('y'.repeat(2_000_001));
    expect(await contentOf(poll)).toMatch(/^y{2000001}$/);
  });

  it('waits for a writer that is not done', async () => {
    let now = 1_900_000_000_000;
    const put = (text: string): void => {
      writeFileSync(path, text);
      utimesSync(path, now / 1000, now / 1000);
    };
    const texts = ['- source: a\n', '- source: a\n- source: b\n'];
    put('');
    const wait = (milliseconds: number): Promise<void> => {
      now += milliseconds;
      const text = texts.shift();
      if (text !== undefined) put(text);
      return Promise.resolve();
    };
    expect(await contentOf(new FilePoll(path, { now: () => now, wait }))).toBe('- source: a\n- source: b\n');
  });

  it('reads a file whose writer never rests all the same', async () => {
    write('busy');
    let waits = 0;
    const wait = (): Promise<void> => Promise.resolve(void (waits += 1));
    const now = (): number => statSync(path).mtimeMs;
    expect(await contentOf(new FilePoll(path, { now, wait }))).toBe('busy');
    expect(waits).toBe(10);
  });

  it('says why a file cannot be read, and gives its content when it is back', async () => {
    const poll = new FilePoll(path);
    await expect(poll.poll(false)).rejects.toThrow('cannot be read: it does not exist');
    await expect(new FilePoll(folder).poll(false)).rejects.toThrow('cannot be read: it is a directory');
    write('one');
    expect(await contentOf(poll)).toBe('one');
    rmSync(path);
    await expect(poll.poll(false)).rejects.toThrow('it does not exist');
    write('one');
    expect(await contentOf(poll)).toBe('one');
  });

  it('refuses a file that is too large', async () => {
    write('x'.repeat(33 * 1024 * 1024));
    await expect(new FilePoll(path).poll(false)).rejects.toThrow('is larger than 33554432 bytes');
  });
});
