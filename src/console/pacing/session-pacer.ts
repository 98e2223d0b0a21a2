// SPDX-License-Identifier: Apache-2.0
// What the channels of one session share in one relay worker: the link to their client. All display channels go out at one
// rate, and no more is under way than the link holds; what the sound needs is carried along and counted. A key or a button
// of the client opens the display channels for its answer for a moment.
import { LinkEstimator, type Flight } from './link-estimator.js';

/** For how long an input opens the way for its answer, and for how long still once a first draw of it has come, in ms. */
const BOOST_MS = 400;
const BOOST_TAIL_MS = 40;
/** An input whose answer has not come by then has none that could be told from other draws, in ms. */
const ANSWER_MS = 3000;
/** What may go out at once, in milliseconds of the link: timers are not exact. */
const BURST_MS = 20;
const MIN_BURST_BYTES = 4096;
/** What goes out in one write: so many milliseconds of the link, within these bounds in bytes. */
const WRITE_MS = 8;
const MIN_WRITE_BYTES = 4096;
const MAX_WRITE_BYTES = 65_536;
/**
 * What may be read from servers at once beyond what is delivered, whatever the ratio, in bytes: a busy screen's worth of the
 * time of a boost, for a guest that takes its time to answer. It costs the network to the hypervisor and no memory here.
 */
const OVERREAD_BYTES = 16_777_216;
/** What is owed at most when more was read than that, in bytes: the next boost must not wait for seconds. */
const MAX_DEBT_BYTES = 2_097_152;
/** What the queues hold at least before a server waits, in bytes, and in milliseconds of the link. */
const LOW_WATER_BYTES = 131_072;
const LOW_WATER_MS = 200;
/** Key-to-draw times that are kept for one report. */
const MAX_SAMPLES = 32;
/** Share of the newest key-to-draw time in the average. */
const KEY_SHARE = 0.25;

/** A display channel, as far as the others mind. */
export interface PacedChannel {
  /** Something has changed that it may have waited for. */
  wake(): void;
  /** Bytes that wait in it. */
  readonly queueBytes: number;
  /** Draws that were not sent because later ones hid them. */
  readonly supersededDraws: number;
}

/** Limits of a session. */
export interface PacerLimits {
  /** Bytes that may wait in all queues. */
  readonly maxQueueBytes: number;
  /** How many times what is delivered may be read from servers. */
  readonly maxOverread: number;
}

/** What is known of a session's link. */
export interface PacerFigures {
  /** Round trip in milliseconds; null: not known. */
  readonly rttMs: number | null;
  /** Bytes a second; null: not known. */
  readonly bandwidth: number | null;
  readonly queueBytes: number;
  /** From an input to the draw that answered it at the client, in milliseconds, averaged; null: none yet. */
  readonly keyToDrawMs: number | null;
}

/** One session in one worker. */
export class SessionPacer {
  private readonly channels = new Set<PacedChannel>();
  private estimator: LinkEstimator | null = null;
  private linkRtt: number | null = null;
  private tokens = 0;
  private tokensAt = 0;
  private boostUntil = -Infinity;
  private inputAt: number | null = null;
  private keyToDraw: number | null = null;
  /** Times from an input to its draw that no report has had. */
  private keyToDraws: number[] = [];
  /** Superseded draws of channels that have ended, and those that reports have had. */
  private ended = 0;
  private reported = 0;
  private credit = OVERREAD_BYTES;

  constructor(private limits: PacerLimits) {}

  /** Other limits hold from now on. */
  useLimits(limits: PacerLimits): void {
    this.limits = limits;
  }

  /** A display channel is paced from now on. */
  add(channel: PacedChannel, now: number): void {
    this.estimator ??= new LinkEstimator(now, this.linkRtt);
    this.channels.add(channel);
  }

  /** It is not any more. */
  remove(channel: PacedChannel): void {
    if (this.channels.delete(channel)) this.ended += channel.supersededDraws;
  }

  /** A channel was linked, with this wait for the client's answer, in milliseconds. */
  linked(rttMs: number): void {
    this.linkRtt = Math.min(this.linkRtt ?? Infinity, rttMs);
  }

  /** The shortest wait for the client when its channels were linked, in milliseconds; null: none is known. */
  get linkRttMs(): number | null {
    return this.linkRtt;
  }

  /** What is known. */
  get figures(): PacerFigures {
    const { estimator, queueBytes, keyToDraw } = this;
    const bandwidth = estimator?.bandwidth ?? null;
    return {
      rttMs: estimator?.rttMs ?? this.linkRtt,
      bandwidth: bandwidth === null ? null : bandwidth * 1000,
      queueBytes,
      keyToDrawMs: keyToDraw,
    };
  }

  /** Display channels that are paced. */
  get displays(): number {
    return this.channels.size;
  }

  /** Draws of the session that were not sent because later ones hid them. */
  get supersededDraws(): number {
    let draws = this.ended;
    for (const channel of this.channels) draws += channel.supersededDraws;
    return draws;
  }

  /** What has been counted since the last call. */
  takeCounts(): { readonly supersededDraws: number; readonly keyToDraws: readonly number[] } {
    const { supersededDraws, keyToDraws } = this;
    const counts = { supersededDraws: supersededDraws - this.reported, keyToDraws };
    this.reported = supersededDraws;
    this.keyToDraws = [];
    return counts;
  }

  /** Bytes that wait in all queues. */
  get queueBytes(): number {
    let bytes = 0;
    for (const channel of this.channels) bytes += channel.queueBytes;
    return bytes;
  }

  /** Whether the queues hold all that they may. */
  get full(): boolean {
    return this.queueBytes >= this.limits.maxQueueBytes;
  }

  /** Whether there is room again for those that waited. */
  get roomy(): boolean {
    return this.queueBytes < 0.75 * this.limits.maxQueueBytes;
  }

  /** Bytes below which a queue wants more from its server. */
  get lowWater(): number {
    const bytes = LOW_WATER_MS * (this.estimator?.bandwidth ?? 0);
    return Math.max(LOW_WATER_BYTES, Math.min(bytes, this.limits.maxQueueBytes / 2));
  }

  /** Bytes of one write. */
  get writeBytes(): number {
    const bytes = WRITE_MS * (this.estimator?.rate ?? 0);
    return Math.round(Math.min(MAX_WRITE_BYTES, Math.max(MIN_WRITE_BYTES, bytes)));
  }

  /** Whether another message may begin. */
  get open(): boolean {
    return this.estimator === null || this.estimator.open;
  }

  /** Milliseconds until bytes may go out; 0: now. */
  wait(now: number): number {
    const rate = this.estimator?.rate ?? 0;
    if (rate === 0 || rate === Infinity) return 0;
    const burst = Math.max(BURST_MS * rate, MIN_BURST_BYTES);
    this.tokens = Math.min(this.tokens + (now - this.tokensAt) * rate, burst);
    this.tokensAt = now;
    return this.tokens > 0 ? 0 : Math.ceil(-this.tokens / rate);
  }

  /** Bytes go out. */
  spend(bytes: number): void {
    this.tokens -= bytes;
  }

  /** A message begins that the client will acknowledge. */
  send(now: number, size: number, channel: PacedChannel): Flight {
    // Who has begun last is woken last.
    if (this.channels.delete(channel)) this.channels.add(channel);
    this.estimator ??= new LinkEstimator(now, this.linkRtt);
    return this.estimator.send(now, size);
  }

  /** It is acknowledged. */
  acknowledge(now: number, flight: Flight): void {
    this.estimator?.acknowledge(now, flight);
    this.credit = Math.min(OVERREAD_BYTES, this.credit + this.limits.maxOverread * flight.size);
    this.wakeAll();
  }

  /** It never will be. */
  forget(flight: Flight): void {
    this.estimator?.forget(flight);
  }

  /** A channel has nothing to send; where no other one has either, the link has room to spare. */
  starve(): void {
    if (this.queueBytes === 0) this.estimator?.starve();
  }

  /** Bytes of another channel of the session go out. */
  alongside(bytes: number): void {
    this.tokens -= bytes;
    this.estimator?.alongside(bytes);
  }

  /** A message of a server has come. */
  received(bytes: number): void {
    this.credit = Math.max(-MAX_DEBT_BYTES, this.credit - bytes);
  }

  /** The user has pressed, clicked or moved something. */
  input(now: number): void {
    this.boostUntil = now + BOOST_MS;
    this.inputAt ??= now;
    this.wakeAll();
  }

  private wakeAll(): void {
    for (const channel of [...this.channels]) channel.wake();
  }

  /** Whether servers may send ahead, so that an answer to an input comes soon. */
  boosting(now: number): boolean {
    return now < this.boostUntil && this.credit > 0;
  }

  /** Whether an answer to an input is waited for. */
  expects(now: number): boolean {
    return now < this.boostUntil || (this.inputAt !== null && now - this.inputAt < ANSWER_MS);
  }

  /**
   * A draw has come that may be the answer.
   *
   * @returns when the input was that it answers; null: none waits
   */
  answered(now: number): number | null {
    const { inputAt } = this;
    this.boostUntil = Math.min(this.boostUntil, now + BOOST_TAIL_MS);
    this.inputAt = null;
    return inputAt !== null && now - inputAt < ANSWER_MS ? inputAt : null;
  }

  /** An answer has arrived at the client. */
  drawn(inputAt: number, now: number): void {
    const sample = now - inputAt;
    if (this.keyToDraws.length < MAX_SAMPLES) this.keyToDraws.push(sample);
    this.keyToDraw = this.keyToDraw === null ? sample : (1 - KEY_SHARE) * this.keyToDraw + KEY_SHARE * sample;
  }
}
