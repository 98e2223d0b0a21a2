// SPDX-License-Identifier: Apache-2.0
// What a link to a client can carry, learnt from the client's own acknowledgements: bytes delivered for each millisecond,
// and the round trip of an empty link. From both follow the rate at which messages go out and how many bytes may be on
// their way. It works above TLS and TCP, so it needs nothing of the kernel, and it sees a slow client as well as a slow link.
// The method is that of BBR (draft-cardwell-iccrg-bbr-congestion-control), with messages in the place of packets.
// Pure arithmetic: milliseconds of a clock that is never set are passed in.

import { LossWatch } from './loss-watch.js';

/** A rate sample of fewer bytes in a shorter time, in milliseconds, says more of timers than of the link. */
const MIN_SAMPLE_BYTES = 8000;
const MIN_SAMPLE_MS = 20;
/** For how long a bandwidth sample counts: so many round trips, within these bounds in milliseconds. */
const BANDWIDTH_ROUNDS = 10;
const BANDWIDTH_MIN_MS = 500;
const BANDWIDTH_MAX_MS = 1000;
/** A round trip is looked for again after so many milliseconds without one as short. */
const RTT_LIFE_MS = 10_000;
/** ... or when all are longer than the shortest by this factor, beyond what the messages themselves explain, for so long. */
const RTT_INFLATED = 1.5;
const RTT_SLACK_MS = 10;
const INFLATED_MS = 500;
/** Between two looks for the round trip, and for how long one may take, in milliseconds. */
const PROBE_PAUSE_MS = 2000;
const PROBE_LIMIT_MS = 3000;
/** On a link that loses packets TCP's own window has to be kept full: rate and bytes under way there, in shares as below. */
const LOSSY_PACE = 2;
const LOSSY_WINDOW = 2.2;
/** The largest message that the bound on bytes under way makes room for. */
const MAX_ROOM_BYTES = 1_048_576;
/** Bytes per millisecond assumed of a link of which nothing is known, and the least rate. */
const FIRST_RATE = 150;
const MIN_RATE = 20;
/** The round trip assumed of such a link, in milliseconds. */
const FIRST_RTT_MS = 50;
/** Bytes that may be under way before anything is known. */
const FIRST_WINDOW_BYTES = 64_000;
/** Shares of the bandwidth at which messages go out, one for each round trip: now and then more is tried. */
const CYCLE = [1.25, 1.25, 0.75, 1, 1] as const;
/** At the end of this one it is known what the trial has brought. */
const JUDGED_AT = 2;
/** Silence of a client that has messages under way, in milliseconds, after which it counts as one that had stopped. */
const STALL_MS = 1000;
/** Growth of a round that shows that the link has more. */
const GROWTH = 1.25;
const PROBE_GROWTH = 1.12;

/** What the estimator is at: a new link, the usual, more was found, or the round trip is measured on an empty link. */
type Phase = 'startup' | 'drain' | 'steady' | 'climb' | 'probe_rtt';

/** Rate of each phase as a share of the bandwidth; of `steady` see {@link CYCLE}. */
const PACE = { startup: 2.9, drain: 0.6, climb: 2.9, probe_rtt: 0.8 } as const;
/** Bytes under way in each phase, as a share of bandwidth times round trip. */
const WINDOW = { startup: 2.5, drain: 1.25, steady: 1.25, climb: 2.5, probe_rtt: 0.5 } as const;

/** A message on its way to the client. */
export interface Flight {
  readonly size: number;
  readonly sentAt: number;
  /** When its last byte was handed to the socket; null: not yet. */
  writtenAt: number | null;
  /** Bytes delivered, and when the last of them were, at the time it was sent. */
  readonly delivered: number;
  readonly deliveredAt: number;
  /** When the oldest message was sent that was acknowledged since. */
  readonly firstSentAt: number;
  /** There was not enough to send: its rate says nothing of the link. */
  readonly starved: boolean;
  /** It was sent to measure the round trip. */
  readonly probe: boolean;
}

/** Follows one link. */
export class LinkEstimator {
  /** Bytes of messages that are not acknowledged. */
  inFlight = 0;
  private phase: Phase = 'startup';
  private phaseAt: number;
  private cycle = 0;
  /** Bytes per millisecond; 0: not known. */
  private best = 0;
  /** The last sample of it. */
  private last = 0;
  private readonly rates: { readonly at: number; readonly rate: number }[] = [];
  private shortest: number | null;
  private shortestAt: number;
  private latest: number | null = null;
  /** Since when every round trip was longer than the load explains; null: not now. */
  private inflatedSince: number | null = null;
  private probedAt = -Infinity;
  private delivered = 0;
  private deliveredAt: number;
  private firstSentAt: number;
  /** Bytes of other channels that went out since the last acknowledgement. */
  private others = 0;
  /** Messages that are sent while less than this is delivered are starved. */
  private starvedUntil = 0;
  /** What was sent until then waited for a client that had stopped. */
  private stalledUntil = -Infinity;
  /** A rate has been seen since then. */
  private seenSince = true;
  private readonly losses = new LossWatch();
  private lossy = false;
  /** A round ends when a message is acknowledged that was sent after it began. */
  private roundEnds = 0;
  private roundBest = 0;
  private flatRounds = 0;
  private cycleBest = 0;
  private largest = 1500;

  /**
   * @param now milliseconds
   * @param linkRttMs what was seen of the round trip before, in milliseconds; null: nothing
   */
  constructor(now: number, linkRttMs: number | null = null) {
    this.phaseAt = now;
    this.shortest = linkRttMs;
    this.shortestAt = now;
    this.deliveredAt = now;
    this.firstSentAt = now;
  }

  /** Bytes that the link delivers in a millisecond; null: not known yet. */
  get bandwidth(): number | null {
    return this.best === 0 ? null : this.best;
  }

  /** The round trip of an empty link in milliseconds; null: not known yet. */
  get rttMs(): number | null {
    return this.shortest;
  }

  /** The last round trip that was seen, in milliseconds; null: none. */
  get lastRttMs(): number | null {
    return this.latest;
  }

  /**
   * Bytes per millisecond at which messages should go out; Infinity as long as nothing is known: TCP begins slowly by
   * itself, and the bytes under way are bounded.
   */
  get rate(): number {
    if (this.best === 0) return Infinity;
    const usual = this.phase === 'steady' ? (CYCLE[this.cycle] ?? 1) : PACE[this.phase];
    const share = this.lossy ? Math.max(LOSSY_PACE, usual) : usual;
    const rate = Math.max(MIN_RATE, this.best * share);
    // A first large picture: little was sent before, from which the link could be known.
    return this.phase === 'startup' ? Math.max(rate, this.window / (this.shortest ?? FIRST_RTT_MS)) : rate;
  }

  /** Whether another message may be sent: one may always, where none is on its way. */
  get open(): boolean {
    return this.inFlight === 0 || this.inFlight < this.window;
  }

  /** Bytes that may be under way. */
  get window(): number {
    const product = (this.best === 0 ? FIRST_RATE : this.best) * (this.shortest ?? FIRST_RTT_MS);
    const usual = WINDOW[this.phase];
    const share =
      (this.lossy && this.phase !== 'probe_rtt' ? Math.max(LOSSY_WINDOW, usual) : usual) * product;
    switch (this.phase) {
      case 'startup':
        return Math.max(FIRST_WINDOW_BYTES, share) + this.largest;
      case 'probe_rtt':
        // Of a link that has become slower the last sample knows more than the best one.
        return this.best === 0 ? share : share * Math.min(1, this.last / this.best);
      case 'drain':
      case 'steady':
      case 'climb':
        return share + this.largest;
    }
  }

  /** A message begins to go out. */
  send(now: number, size: number): Flight {
    if (this.inFlight === 0) {
      this.deliveredAt = now;
      this.firstSentAt = now;
    }
    this.largest = Math.min(MAX_ROOM_BYTES, Math.max(size, this.largest * 0.995));
    const { delivered, deliveredAt, firstSentAt } = this;
    const probe = this.phase === 'probe_rtt' && this.inFlight < this.window;
    const starved = delivered < this.starvedUntil;
    this.inFlight += size;
    return { size, sentAt: now, writtenAt: null, delivered, deliveredAt, firstSentAt, starved, probe };
  }

  /** There is nothing more to send, although the link would take it. */
  starve(): void {
    if (this.inFlight < this.window) this.starvedUntil = this.delivered + Math.max(1, this.inFlight);
  }

  /** Bytes of another channel of the same link went out: they are carried as well. */
  alongside(bytes: number): void {
    if (this.inFlight > 0) this.others += bytes;
  }

  /** A message will not be acknowledged: it was sent before the client counted. */
  forget(flight: Flight): void {
    this.inFlight -= flight.size;
  }

  /** A message is acknowledged. */
  acknowledge(now: number, flight: Flight): void {
    this.inFlight -= flight.size;
    this.noticeStall(now);
    this.noticeLoss(now, flight.size);
    this.delivered += flight.size + this.others;
    this.others = 0;
    this.deliveredAt = now;
    this.firstSentAt = flight.sentAt;
    this.sampleRate(now, flight);
    if (flight.writtenAt !== null) this.sampleRtt(now, now - flight.writtenAt, flight.probe);
    if (flight.delivered >= this.roundEnds) this.endRound(now, flight.starved);
    this.turn(now);
  }

  /** A client that has stopped and goes on says nothing of its link; a link that has all but died does the same. */
  private noticeStall(now: number): void {
    const silence = now - Math.max(this.deliveredAt, this.firstSentAt);
    if (silence < STALL_MS + 4 * this.messageMs + 2 * (this.shortest ?? FIRST_RTT_MS)) return;
    this.stalledUntil = now;
    // A second stop before anything was seen of the link says nothing new: it would soon count as one that carries nothing.
    if (this.seenSince) this.best /= 2;
    this.seenSince = false;
    this.last = this.best;
    this.rates.length = 0;
    if (this.best > 0) this.rates.push({ at: now, rate: this.best });
    if (this.phase !== 'startup') this.enter(now, 'climb');
  }

  private noticeLoss(now: number, size: number): void {
    const rttMs = this.shortest ?? FIRST_RTT_MS;
    if (this.best === 0 || this.phase === 'startup' || this.phase === 'probe_rtt')
      this.losses.quiet(now + 2 * rttMs);
    const since = Math.max(this.deliveredAt, this.firstSentAt);
    this.losses.arrived({ now, since, size, delivered: this.delivered }, { bandwidth: this.best, rttMs });
    this.lossy = this.losses.isLossy(now);
  }

  /** How long the largest message of late takes, in milliseconds. */
  private get messageMs(): number {
    return this.best === 0 ? 0 : this.largest / this.best;
  }

  private sampleRate(now: number, flight: Flight): void {
    const bytes = this.delivered - flight.delivered;
    // Acknowledgements that come in a heap, behind a lost packet say, are measured over the whole wait for them.
    const elapsed = Math.max(now - flight.deliveredAt, flight.sentAt - flight.firstSentAt, 1);
    const rate = bytes / elapsed;
    if (bytes < MIN_SAMPLE_BYTES && elapsed < MIN_SAMPLE_MS) return;
    if (flight.starved && rate <= this.best) return;
    if (flight.sentAt <= this.stalledUntil) return;
    this.useRate(now, rate);
  }

  private useRate(now: number, rate: number): void {
    this.last = rate;
    this.seenSince = true;
    const { rates } = this;
    const life = BANDWIDTH_ROUNDS * (this.shortest ?? FIRST_RTT_MS);
    const oldest = now - Math.min(BANDWIDTH_MAX_MS, Math.max(BANDWIDTH_MIN_MS, life));
    while (rates.length > 0 && (rates[0]?.at ?? 0) < oldest) rates.shift();
    // The samples stay in falling order: the first one is the largest.
    while (rates.length > 0 && (rates.at(-1)?.rate ?? 0) <= rate) rates.pop();
    rates.push({ at: now, rate });
    this.best = rates[0]?.rate ?? rate;
  }

  private sampleRtt(now: number, sample: number, probe: boolean): void {
    const rtt = Math.max(sample, 0.1);
    this.latest = rtt;
    if (probe && this.phase === 'probe_rtt') {
      // The bytes under way were too few for a longer way: what the link carries is not known any more.
      const longer = this.shortest !== null && rtt > RTT_INFLATED * this.shortest;
      this.useRtt(now, rtt);
      this.enter(now, longer ? 'climb' : 'steady');
      return;
    }
    if (this.shortest === null || rtt <= this.shortest) {
      this.useRtt(now, rtt);
      return;
    }
    const explained = RTT_INFLATED * this.messageMs;
    if (rtt <= (this.lossy ? LOSSY_WINDOW : 1) * RTT_INFLATED * this.shortest + explained + RTT_SLACK_MS)
      this.inflatedSince = null;
    else this.inflatedSince ??= now;
  }

  private useRtt(now: number, rtt: number): void {
    this.shortest = rtt;
    this.shortestAt = now;
    this.inflatedSince = null;
  }

  private endRound(now: number, starved: boolean): void {
    this.roundEnds = this.delivered;
    const grew = this.best > this.roundBest * GROWTH;
    if (grew) this.roundBest = this.best;
    if (starved) return;
    this.flatRounds = grew ? 0 : this.flatRounds + 1;
    if (this.phase === 'startup' && this.flatRounds >= 3) this.enter(now, 'drain');
    else if (this.phase === 'climb' && this.flatRounds >= 1) this.enter(now, 'drain');
  }

  /** Goes on to the next phase, or to the next share of the cycle, when it is time. */
  private turn(now: number): void {
    if (this.wantsProbe(now)) {
      this.probedAt = now;
      this.enter(now, 'probe_rtt');
      return;
    }
    const spent = now - this.phaseAt;
    const round = Math.max(this.shortest ?? FIRST_RTT_MS, this.messageMs, 20);
    if (this.phase === 'probe_rtt' && spent > PROBE_LIMIT_MS) this.enter(now, 'steady');
    else if (this.phase === 'drain' && spent > round) this.enter(now, 'steady');
    else if (this.phase === 'steady' && spent > round) this.nextShare(now);
  }

  private wantsProbe(now: number): boolean {
    if (this.phase === 'probe_rtt' || this.phase === 'startup' || now - this.probedAt < PROBE_PAUSE_MS)
      return false;
    if (this.inflatedSince !== null && now - this.inflatedSince > INFLATED_MS) return true;
    return now - this.shortestAt > RTT_LIFE_MS && this.inFlight > WINDOW.probe_rtt * this.window;
  }

  private nextShare(now: number): void {
    const grew = this.cycleBest > 0 && this.best > this.cycleBest * PROBE_GROWTH;
    if (this.cycle === JUDGED_AT && grew && this.inflatedSince === null) {
      this.enter(now, 'climb');
      return;
    }
    this.cycle = (this.cycle + 1) % CYCLE.length;
    if (this.cycle === 0) this.cycleBest = this.best;
    this.phaseAt = now;
  }

  private enter(now: number, phase: Phase): void {
    this.phase = phase;
    this.phaseAt = now;
    this.cycle = phase === 'steady' ? JUDGED_AT : 0;
    this.cycleBest = 0;
    this.flatRounds = 0;
    this.roundBest = this.best;
    this.roundEnds = this.delivered + this.inFlight;
    if (phase === 'probe_rtt') this.inflatedSince = null;
  }
}
