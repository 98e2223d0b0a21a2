// SPDX-License-Identifier: Apache-2.0
// One direction of one channel: from the chunks of its sender, through its stages, to its sink. Two ways:
// `streaming`, where nobody wants more than headers: the chunk goes out as it came, the walker looks at type and size;
// `framing`, where bodies are wanted, the direction is owned or held, or a message is to be put in: the framer cuts it
// into messages. It goes from one to the other, and back, wherever the stream is.
//
// The sender is read in lockstep: while what was written is not taken, an answer is awaited or the direction is held,
// no more is read. So memory is bounded and a slow receiver stops its sender.
import type { ChunkLife } from '../backend/leg.js';
import type { Unread } from '../spice/client-messages.js';
import { MessageWalker } from '../spice/message-walker.js';
import { Batch } from './batch.js';
import { Framer } from './framer.js';
import type { Sink } from './sink.js';
import type { Answer, Direction, Message, Owner, Ownership, Piece, Progress, Stage } from './stage.js';
import { Pending, StageChain } from './stage-chain.js';

/** Both ends of a direction. */
export interface DirectionEnds {
  readonly sink: Sink;
  /** How long a chunk of the sender stays intact. */
  readonly life: ChunkLife;
  /** Reads on, after take() or begin() gave false. */
  readonly readOn: () => void;
}

/** The channel that a direction is of. */
export interface DirectionChannel {
  readonly miniHeader: boolean;
  /** The channel's name. */
  readonly channel: string;
  /** Told of each rule for which the channel ends. */
  readonly refused: (direction: Direction, rule: string) => void;
  /** The channel must end. */
  readonly failed: (fault: Error) => void;
}

interface Work {
  readonly message: Message;
  /** The first stage that sees it. */
  readonly from: number;
}

/** How a direction stood when it ended. */
export interface LastPlace {
  /** What went out ends where a message ends. */
  readonly atBoundary: boolean;
  /** What of the sender's bytes was left; messages that a stage had not answered for are lost. */
  readonly unread: Unread;
  /** Messages of the sender whose header had come. */
  readonly messages: number;
}

const NONE: readonly Pending[] = [];

/** Carries one direction. */
export class DirectionPipeline {
  /** Bytes that the sender has sent, as far as they were taken up. */
  bytes = 0;
  private mode: 'streaming' | 'framing' | 'ended' = 'streaming';
  private readonly stages: StageChain;
  private readonly walker: MessageWalker;
  private framer: Framer | null = null;
  /** Messages whose header the framer has found. */
  private framed = 0;
  private batch: Batch | null = null;
  /** Messages on their way between stages, those first that have come furthest. */
  private work: Work[] | null = null;
  /** What came although the direction stands. */
  private held: Buffer | null = null;
  private holds = 0;
  /** Stages that have promised an answer. */
  private pending: readonly Pending[] = NONE;
  /** Within run(): what goes out is written at its end. */
  private running = false;
  /** The sender stands until readOn(). */
  private paused = false;
  /** While framing: what went out last was the end of a message. */
  private outEnds = true;
  private last: LastPlace | null = null;
  /** The chunk has filled the buffer that it was read into. */
  private filled = false;

  /** @param stages in their order */
  constructor(
    direction: Direction,
    private readonly channel: DirectionChannel,
    stages: readonly Stage[],
    private readonly ends: DirectionEnds,
  ) {
    this.stages = new StageChain(direction, channel.channel, stages, channel.refused);
    this.walker = new MessageWalker(channel.miniHeader, this.stages);
    ends.sink.drained = () => this.drained();
    this.adapt();
  }

  /** How far it has come. */
  get progress(): Progress {
    const { bytes, framed, walker, ends } = this;
    return { bytes, messages: walker.messages + framed, busy: ends.sink.busy };
  }

  /** Takes up what the stages want now. */
  refresh(): void {
    this.stages.refresh();
    this.adapt();
  }

  /** Starts with bytes that came before; true: the sender may be read. */
  begin(early: Buffer): boolean {
    if (early.length > 0) return this.take(early.length, early);
    this.paused = this.stands;
    return !this.paused;
  }

  /** Takes the first `length` bytes of `buffer`; true: read on. */
  take(length: number, buffer: Buffer): boolean {
    if (this.mode !== 'streaming') return this.takeFramed(length, buffer);
    this.bytes += length;
    let cut: number;
    try {
      cut = this.walker.walk(buffer, length);
      this.stages.showTaps(buffer, length);
    } catch (error) {
      this.fail(error);
      return false;
    }
    const { sink, life } = this.ends;
    const more = sink.write(buffer.subarray(0, length), cut, life);
    // After a read that filled the buffer libuv would call again at once, before the write's end is told.
    const filled = life === 'until_return' && length === buffer.length;
    this.paused = !more || filled || life === 'until_resume';
    return !this.paused;
  }

  /** Puts in a message that the stages behind this one see. */
  emit(message: Message, stage: Stage): void {
    if (this.mode === 'ended') return;
    if (this.mode === 'streaming') this.enterFraming();
    const from = this.stages.placeOf(stage) + 1;
    this.queue({ message, from }, (other) => other.from < from);
    this.goOn();
  }

  /** Gives all messages from the next one on to the owner, after the stages before this one. */
  own(stage: Stage, owner: Owner): Ownership {
    const giveBack = this.stages.setOwner(this.stages.placeOf(stage), owner);
    this.adapt();
    return {
      send: (message) => this.emit(message, stage),
      write: (pieces) => this.write(pieces),
      giveBack: () => {
        giveBack();
        this.adapt();
      },
    };
  }

  private write(pieces: readonly Piece[]): void {
    if (this.mode === 'ended') return;
    for (const { bytes, ends } of pieces) this.out(bytes, ends);
    if (!this.running) this.flush();
  }

  /** Lets the sender wait until the function is called that this gives. */
  hold(): () => void {
    this.holds += 1;
    this.adapt();
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.holds -= 1;
      this.goOn();
    };
  }

  /** Where it stood when it ended; null: it has not. */
  get lastPlace(): LastPlace | null {
    return this.last;
  }

  /** No byte moves any more. */
  end(): void {
    this.last ??= this.place();
    this.mode = 'ended';
    this.batch = null;
    this.work = null;
    this.held = null;
  }

  private place(): LastPlace {
    const { framer, walker, held } = this;
    const { messages } = this.progress;
    if (this.mode === 'framing' && framer !== null) {
      const { bodyLeft, bytes } = framer.remains;
      const unread = { bodyLeft, bytes: held === null ? bytes : Buffer.concat([bytes, held]) };
      // What a run had gathered is lost.
      return { atBoundary: this.outEnds && !this.running, unread, messages };
    }
    const { bodyLeft, header } = walker.place();
    const bytes = header === null ? Buffer.alloc(0) : Buffer.from(header);
    return { atBoundary: walker.atBoundary, unread: { bodyLeft, bytes }, messages };
  }

  private get stands(): boolean {
    return this.pending.length > 0 || this.holds > 0 || this.mode === 'ended';
  }

  private takeFramed(length: number, buffer: Buffer): boolean {
    if (this.mode === 'ended') return false;
    const chunk = buffer.subarray(0, length);
    if (this.stands) {
      // One chunk at most: the sender stands from here on.
      this.held = this.held === null ? Buffer.from(chunk) : Buffer.concat([this.held, chunk]);
      this.paused = true;
      return false;
    }
    const { life } = this.ends;
    this.filled = life === 'until_return' && length === buffer.length;
    this.paused = !this.run(chunk, life === 'kept');
    return !this.paused;
  }

  /** Goes on with what is there, when something has changed that it may have waited for. */
  private goOn(): void {
    if (this.running || this.mode === 'ended') return;
    this.filled = false;
    if (this.mode === 'framing') this.run(null, true);
    if (this.held !== null && !this.stands) {
      const chunk = this.held;
      this.held = null;
      this.run(chunk, true);
    }
    this.readOnWhenFree();
  }

  private drained(): void {
    try {
      this.stages.drained();
    } catch (error) {
      this.fail(error);
    }
    this.readOnWhenFree();
  }

  private readOnWhenFree(): void {
    if (!this.paused || this.stands) return;
    // What an owner has taken is its own to bound, by holding: its leg may be busy all the time.
    if (this.ends.sink.busy && !this.stages.owned) return;
    this.paused = false;
    this.ends.readOn();
  }

  /** Cuts a chunk, or what is left of the last one, into messages and writes what goes out; true: read on. */
  private run(chunk: Buffer | null, kept: boolean): boolean {
    const framer = this.framer as Framer;
    this.running = true;
    try {
      if (chunk !== null) {
        this.bytes += chunk.length;
        framer.push(chunk, kept);
      }
      this.cut(framer);
    } catch (error) {
      this.fail(error);
    }
    this.running = false;
    const more = this.flush();
    if (framer.unread > 0) framer.detach();
    this.adapt();
    return more && !this.stands;
  }

  private cut(framer: Framer): void {
    this.doWork(framer);
    while (!this.stands) {
      const frame = framer.next();
      if (frame === null) return;
      if (frame.kind === 'part') this.passOn(frame);
      else this.become(this.stages.route(frame.message, 0));
      this.doWork(framer);
    }
  }

  /** A piece of a message that is not collected; a copy is only made for an owner. */
  private passOn({ bytes, ends }: Piece): void {
    this.stages.showTaps(bytes, bytes.length);
    const kept = (): Piece => ({ bytes: this.ends.life === 'kept' ? bytes : Buffer.from(bytes), ends });
    if (!this.stages.givePiece(kept)) this.out(bytes, ends);
  }

  /** Puts a message before the first one that it must not come behind. */
  private queue(work: Work, isBehind: (other: Work) => boolean): void {
    this.work ??= [];
    const at = this.work.findIndex(isBehind);
    this.work.splice(at === -1 ? this.work.length : at, 0, work);
  }

  /** Shows the messages between stages to the stages behind, as far as these are free and no other one goes out. */
  private doWork(framer: Framer): void {
    while (this.work !== null && !framer.midMessage) {
      const [next] = this.work;
      if (next !== undefined && this.pending.some(({ index }) => index + 1 >= next.from)) return;
      this.work.shift();
      if (next === undefined) this.work = null;
      else this.become(this.stages.route(next.message, next.from));
    }
  }

  private become(outcome: Message | Pending | null): void {
    if (outcome instanceof Pending) this.await(outcome);
    else if (outcome !== null) this.out(outcome.bytes, true);
  }

  private await(pending: Pending): void {
    this.pending = [...this.pending, pending];
    const settle = (outcome: () => Message | null): void => {
      if (this.mode === 'ended') return;
      this.pending = this.pending.filter((other) => other !== pending);
      try {
        const message = outcome();
        const from = pending.index + 1;
        // What the stage has put in while it was asked goes behind.
        if (message !== null) this.queue({ message, from }, (other) => other.from <= from);
      } catch (error) {
        this.fail(error);
      }
      this.goOn();
    };
    pending.answer.then(
      (answer: Answer) => settle(() => this.stages.applied(answer, pending.message)),
      (error: unknown) =>
        settle(() => {
          throw this.stages.faultOf(pending, error);
        }),
    );
  }

  private fail(error: unknown): void {
    this.batch = null;
    this.channel.failed(this.stages.endOf(error));
  }

  private out(bytes: Buffer, ends: boolean): void {
    this.batch ??= new Batch();
    this.batch.add(bytes, ends);
    this.outEnds = ends;
  }

  /** Writes what is gathered; true: the sender may go on. */
  private flush(): boolean {
    const { batch } = this;
    if (batch === null || batch.empty) return true;
    const { sink, life } = this.ends;
    const lives = batch.oneView ? life : 'kept';
    const { bytes, cut } = batch.take();
    const more = sink.write(bytes, cut, lives);
    return more && lives !== 'until_resume' && !(lives === 'until_return' && this.filled);
  }

  /** Chooses the way by what is wanted now. */
  private adapt(): void {
    const stays = this.stands || this.work !== null || this.held !== null;
    const framing = stays || this.stages.wantsMessages;
    if (this.mode === 'streaming' && framing) this.enterFraming();
    else if (this.mode === 'framing' && !framing && !this.running) this.leaveFraming();
  }

  private enterFraming(): void {
    this.framer ??= new Framer(this.channel.miniHeader, (type, size, nested, late) => {
      this.framed += 1;
      return this.stages.collects(type, size, nested, late);
    });
    this.outEnds = this.walker.atBoundary;
    this.framer.takeOver(this.walker.place());
    this.mode = 'framing';
  }

  private leaveFraming(): void {
    const { framer } = this;
    if (framer === null || framer.keeping || framer.unread > 0) return;
    const { bodyLeft, header } = framer.giveBack();
    this.walker.goOn(bodyLeft, header);
    this.mode = 'streaming';
  }
}
