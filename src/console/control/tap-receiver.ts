// SPDX-License-Identifier: Apache-2.0
// What relay workers tell of channels that are recorded or inspected: finds out whose channel it is and hands its bytes on. A
// worker that dies, or tells nonsense, ends its channels.
import { loggerFor } from '../../log.js';
import { TapFrameReader, type TapFrame } from '../recording-wire.js';
import type { LiveChannel } from './channel-registry.js';
import type { Inspector } from './inspector.js';
import type { Recorder } from './recorder.js';

const log = loggerFor('kerbside.console.tap-receiver');

/** Granted channels of which nothing has been told yet, at most: those whose backend fails never are. */
const MAX_EXPECTED = 10_000;

/** Who wants the bytes of a channel. */
interface Listener {
  data(up: boolean, bytes: Buffer, at: number): void;
  close(at: number): void;
  lost(at: number): void;
}

/** Receives from all workers of the node. */
export class TapReceiver {
  private readonly expected = new Map<string, LiveChannel>();
  private readonly workers = new Map<number, Map<number, readonly Listener[]>>();

  constructor(
    private readonly recorder: Pick<Recorder, 'wants' | 'begin'>,
    private readonly inspector: Pick<Inspector, 'active' | 'begin'>,
  ) {}

  /** Whether the worker of a channel that is granted shall tell of it. */
  expect(channel: LiveChannel): boolean {
    if (!this.inspector.active && !this.recorder.wants(channel)) return false;
    this.expected.set(channel.connectionRef, channel);
    for (const [oldest] of this.expected) {
      if (this.expected.size <= MAX_EXPECTED) break;
      this.expected.delete(oldest);
    }
    return true;
  }

  /** A reader for the pipe of a worker: takes its bytes. */
  reader(workerId: number): (bytes: Buffer) => void {
    this.workers.set(workerId, new Map());
    const reader = new TapFrameReader((frame) => this.take(workerId, frame));
    let broken = false;
    return (bytes) => {
      if (broken) return;
      try {
        reader.push(bytes);
      } catch (error) {
        broken = true;
        log.error('a relay worker told nonsense of its channels', {
          worker: workerId,
          error: error as Error,
        });
        this.workerDied(workerId);
      }
    };
  }

  /** A worker is gone: so are its channels. */
  workerDied(workerId: number): void {
    const channels = this.workers.get(workerId);
    this.workers.delete(workerId);
    for (const listeners of channels?.values() ?? [])
      for (const listener of listeners) listener.close(Date.now());
  }

  private take(workerId: number, frame: TapFrame): void {
    const channels = this.workers.get(workerId);
    if (channels === undefined) return;
    if (frame.kind === 'open') {
      channels.set(frame.channel, this.begin(frame));
      return;
    }
    const listeners = channels.get(frame.channel) ?? [];
    switch (frame.kind) {
      case 'data':
        for (const listener of listeners) listener.data(frame.up, frame.bytes, frame.time);
        return;
      case 'close':
      case 'lost':
        channels.delete(frame.channel);
        for (const listener of listeners) listener[frame.kind](frame.time);
    }
  }

  private begin({ facts, time }: Extract<TapFrame, { kind: 'open' }>): readonly Listener[] {
    const channel = this.expected.get(facts.connectionRef);
    if (channel === undefined) return [];
    this.expected.delete(facts.connectionRef);
    const all = [this.recorder.begin(channel, facts, time), this.inspector.begin(channel, facts)];
    return all.filter((listener) => listener !== null);
  }
}
