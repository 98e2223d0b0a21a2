// SPDX-License-Identifier: Apache-2.0
// The stage that lets the parent see a channel that is recorded or inspected: a copy of the bytes that pass it, as they pass.
// It judges nothing, collects nothing, and never makes the channel wait for the disk.
import type { Direction, Stage, StagePorts } from '../relay/stage.js';
import type { TappedChannel } from '../recording-wire.js';
import type { PipeUser, TapPipe } from './tap-pipe.js';

/** The stage. */
export class Tap implements Stage, PipeUser {
  readonly name = 'recording';
  private ports: StagePorts | null = null;
  private channel = 0;
  private state: 'new' | 'open' | 'over' = 'new';
  private releases: (() => void)[] = [];

  /** @param now epoch milliseconds */
  constructor(
    private readonly pipe: TapPipe,
    private readonly facts: TappedChannel,
    private readonly now: () => number = Date.now,
  ) {}

  start(ports: StagePorts): void {
    this.ports = ports;
    this.state = 'open';
    this.channel = this.pipe.join(this);
    this.pipe.send({ kind: 'open', channel: this.channel, time: this.now(), facts: this.facts });
  }

  tap(direction: Direction, bytes: Buffer): void {
    if (this.state !== 'open') return;
    const { channel } = this;
    this.pipe.send({ kind: 'data', channel, time: this.now(), up: direction === 'up', bytes });
  }

  stand(): void {
    if (this.ports === null || this.releases.length > 0 || this.state !== 'open') return;
    this.releases = [this.ports.hold('up'), this.ports.hold('down')];
  }

  goOn(): void {
    const { releases } = this;
    this.releases = [];
    for (const release of releases) release();
  }

  lost(): void {
    this.finish('lost');
  }

  close(): void {
    this.finish('close');
    this.pipe.leave(this);
  }

  private finish(kind: 'lost' | 'close'): void {
    if (this.state !== 'open') return;
    this.state = 'over';
    this.pipe.send({ kind, channel: this.channel, time: this.now() });
  }
}
