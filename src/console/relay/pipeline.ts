// SPDX-License-Identifier: Apache-2.0
// Both directions of one channel with their stages: starts and ends the stages, gives each what it works with, counts
// broken rules, takes up changed settings.
import { ConnectionEnded, StageFailed } from '../connection/ends.js';
import type { PacingSummary, SessionSettings, Verdict } from '../ipc.js';
import { FULL_HEADER_BYTES, MINI_HEADER_BYTES } from '../spice/message-walker.js';
import { DirectionPipeline, type DirectionChannel, type DirectionEnds } from './direction.js';
import type { Direction, Message, Stage, StagePorts } from './stage.js';
import { VerdictCounts } from './verdict-counts.js';

/** The stages of a channel; one that looks at both directions stands in both. */
export interface StageOrder {
  readonly up: readonly Stage[];
  readonly down: readonly Stage[];
}

/** What a pipeline is made for. */
export interface PipelineChannel {
  readonly miniHeader: boolean;
  /** The channel's name. */
  readonly channel: string;
  /** Called once, with the fault that ends the channel. */
  readonly failed: (fault: Error) => void;
}

/** Carries the bytes of one channel. */
export class ChannelPipeline {
  readonly up: DirectionPipeline;
  readonly down: DirectionPipeline;
  private readonly stages: readonly Stage[];
  private readonly counts: VerdictCounts;
  private ended = false;

  constructor(
    private readonly channel: PipelineChannel,
    order: StageOrder,
    ends: { readonly up: DirectionEnds; readonly down: DirectionEnds },
  ) {
    this.stages = [...new Set([...order.down, ...order.up])];
    this.counts = new VerdictCounts(channel.channel);
    const part: DirectionChannel = {
      miniHeader: channel.miniHeader,
      channel: channel.channel,
      refused: (direction, rule) => this.counts.add(direction, rule, 'enforced'),
      failed: (fault) => this.fail(fault),
    };
    this.up = new DirectionPipeline('up', part, order.up, ends.up);
    this.down = new DirectionPipeline('down', part, order.down, ends.down);
  }

  /** Starts the stages; bytes may come afterwards. */
  start(): void {
    for (const stage of this.stages) this.guard(stage, () => stage.start?.(this.portsOf(stage)));
  }

  /** Other settings hold from the next message on. */
  useSettings(settings: SessionSettings): void {
    if (this.ended) return;
    for (const stage of this.stages) this.guard(stage, () => stage.onSettings?.(settings));
    this.up.refresh();
    this.down.refresh();
  }

  /** Messages that broke a rule so far. */
  verdicts(): Verdict[] {
    return this.counts.list();
  }

  /** How the channel was paced; null: it was not. */
  pacing(): PacingSummary | null {
    for (const stage of this.stages) {
      const summary = stage.pacing?.() ?? null;
      if (summary !== null) return summary;
    }
    return null;
  }

  /** No byte moves from here on. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    for (const stage of this.stages) this.guard(stage, () => stage.close?.());
    this.up.end();
    this.down.end();
  }

  private fail(fault: Error): void {
    if (!this.ended) this.channel.failed(fault);
  }

  private guard(stage: Stage, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.fail(new StageFailed(stage.name, error));
    }
  }

  private portsOf(stage: Stage): StagePorts {
    return {
      make: (type, body, serial = 0n) => this.make(type, body, serial),
      insert: (direction, message) => this.of(direction).emit(message, stage),
      own: (direction, owner) => this.of(direction).own(stage, owner),
      hold: (direction) => this.of(direction).hold(),
      progress: (direction) => this.of(direction).progress,
      observe: (direction, rule) => this.counts.add(direction, rule, 'observed'),
      end: (reason, detail) => this.fail(new ConnectionEnded(reason, detail)),
    };
  }

  private of(direction: Direction): DirectionPipeline {
    return direction === 'up' ? this.up : this.down;
  }

  private make(type: number, body: Buffer, serial: bigint): Message {
    const headerBytes = this.channel.miniHeader ? MINI_HEADER_BYTES : FULL_HEADER_BYTES;
    const bytes = Buffer.alloc(headerBytes + body.length);
    // u64 serial, u16 type, u32 size, u32 sub_list; the mini header has type and size only.
    if (!this.channel.miniHeader) bytes.writeBigUInt64LE(serial, 0);
    const typeOffset = this.channel.miniHeader ? 0 : 8;
    bytes.writeUInt16LE(type, typeOffset);
    bytes.writeUInt32LE(body.length, typeOffset + 2);
    body.copy(bytes, headerBytes);
    return { type, bytes, body: bytes.subarray(headerBytes) };
  }
}
