// SPDX-License-Identifier: Apache-2.0
// A disk that does not keep up makes gaps of whole messages: what is before and behind them is there, and they are told.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { DiskLane } from '../../../src/recording/disk-lane.js';
import { summaryOf } from '../../../src/recording/recording-reader.js';
import { SessionRecording } from '../../../src/recording/session-recording.js';
import { settled } from '../../fixtures/manual-timers.js';
import {
  readRecording,
  recordingFolder,
  recordingKeys,
  recordingMetadata,
  recordingParts,
  recordingsIn,
} from '../../fixtures/recordings.js';
import { scratchFolder } from '../../fixtures/scratch.js';
import { encodeMessage } from '../../fixtures/spice-messages.js';

const MB = 1024 * 1024;
const folder = scratchFolder('kerbside-gaps-');
const keys = recordingKeys(folder);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A disk that does nothing until it is let. */
class StoppedDisk extends DiskLane {
  private open: () => void = () => undefined;
  private readonly opened = new Promise<void>((resolve) => (this.open = resolve));

  override async run<T>(work: () => Promise<T>): Promise<T> {
    await this.opened;
    return super.run(work);
  }

  go(): void {
    this.open();
  }
}

function message(type: number, bytes: number): Buffer {
  return encodeMessage(type, Buffer.alloc(bytes, type % 256), { miniHeader: true });
}

describe('a disk that is too slow', () => {
  it('makes a gap of whole messages, told once, counted, and marked for whoever has no key', async () => {
    const path = recordingFolder(join(folder, 'slow'));
    const disk = new StoppedDisk();
    const { folder: inFolder, ...parts } = recordingParts(path, keys.publicKey);
    let gaps = 0;
    const failures: string[] = [];
    const recording = new SessionRecording(
      recordingMetadata(),
      { ...parts, folder: inFolder, lane: disk },
      { wrote: () => undefined, gap: () => (gaps += 1), failed: (why) => failures.push(why) },
    );
    const facts = { type: 2, id: 0, generation: 1, clientCaps: [], backendCaps: [] };
    const channel = recording.begin(facts, true, 0);
    for (let type = 1; type <= 40; type += 1) recording.push(channel, 'down', message(type, MB), type);
    expect(recording.full).toBe(true);
    expect(gaps).toBe(1);
    disk.go();
    while (!recording.roomy) await settled();
    recording.push(channel, 'down', message(100, 10), 100);
    await recording.end('done', 101);
    expect(failures).toEqual([]);

    const [file = ''] = recordingsIn(path);
    expect(await summaryOf(file)).toMatchObject({ complete: true, gaps: true });
    const { entries, outcome } = await readRecording(file, keys.privateKey);
    expect(outcome).toEqual({ complete: true, fault: null });
    const messages = entries.flatMap((entry) => (entry.kind === 'message' ? [entry] : []));
    const types = messages.map(({ type }) => type);
    const kept = types.length - 1;
    expect(kept).toBeGreaterThanOrEqual(15);
    expect(types).toEqual([...Array.from({ length: kept }, (_none, at) => at + 1), 100]);
    for (const { body, type, size } of messages)
      expect(body?.equals(Buffer.alloc(size, type % 256))).toBe(true);
    const [gap, ...others] = entries.filter((entry) => entry.kind === 'gap');
    expect(others).toEqual([]);
    expect(gap).toMatchObject({ way: 'down', messages: 40 - kept });
  });

  it('is not what a recording without gaps says', async () => {
    const path = recordingFolder(join(folder, 'quick'));
    const watcher = { wrote: () => undefined, gap: () => undefined, failed: () => undefined };
    const recording = new SessionRecording(
      recordingMetadata(),
      recordingParts(path, keys.publicKey),
      watcher,
    );
    await recording.end('done', 1);
    const [file = ''] = recordingsIn(path);
    expect(await summaryOf(file)).toMatchObject({ complete: true, gaps: false });
  });

  it('ends what cannot be recorded any more, which is marked too', async () => {
    const path = recordingFolder(join(folder, 'early'));
    const watcher = { wrote: () => undefined, gap: () => undefined, failed: () => undefined };
    const recording = new SessionRecording(
      recordingMetadata(),
      recordingParts(path, keys.publicKey),
      watcher,
    );
    await recording.end('the recording failed: the proxy could not take up what passed', 1, true);
    const [file = ''] = recordingsIn(path);
    expect(await summaryOf(file)).toMatchObject({ complete: true, gaps: true });
  });
});
