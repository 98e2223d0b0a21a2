// SPDX-License-Identifier: Apache-2.0
// Which sessions of this node are recorded, and what becomes of the bytes of their channels, which come from the relay workers
// by tap-receiver.ts. One recording for a session, whichever workers have its channels. What fails is audited, counted and,
// with [recording] on_failure = refuse, ends the session.
import type { Conf } from '../../conf/index.js';
import { loggerFor } from '../../log.js';
import type { Timers } from '../../net/timers.js';
import { RECORDING_AUDIT } from '../../objects/audit-message.js';
import { isRecorded } from '../../objects/own-settings.js';
import { CompressionShare } from '../../recording/compression-share.js';
import { DiskLane } from '../../recording/disk-lane.js';
import { publicKeyOf } from '../../recording/keys.js';
import { RecordingFolder } from '../../recording/recording-folder.js';
import { TOUCH_MS } from '../../recording/recording-reader.js';
import { WaitingBytes } from '../../recording/recording-writer.js';
import { SessionRecording, type RecordingParts } from '../../recording/session-recording.js';
import type { TappedChannel } from '../recording-wire.js';
import type { ChannelRecords } from './channel-records.js';
import type { LiveChannel } from './channel-registry.js';
import type { ProxyMetrics } from './metrics.js';
import type { SessionWatch } from './session-watch.js';

const log = loggerFor('kerbside.console.recorder');

/** Milliseconds that a recording stays open without a channel: another worker may have the next one. */
const LINGER_MS = 3000;
/** Milliseconds between two looks at the bounds of the folder. */
const BOUNDS_MS = 3_600_000;
/** Milliseconds that the check before a session may take. */
const CHECK_MS = 2000;

/** What a {@link Recorder} is made with. */
export interface RecorderParts {
  readonly settings: Conf['recording'];
  readonly node: string;
  readonly records: Pick<ChannelRecords, 'audit'>;
  readonly watch: Pick<SessionWatch, 'end'>;
  readonly metrics: ProxyMetrics;
  readonly timers: Timers;
}

/** A recording that goes on. */
interface Going {
  readonly recording: SessionRecording;
  /** The newest channel of the session: for the audit trail. */
  channel: LiveChannel;
  cancelEnd: () => void;
  gapTold: boolean;
}

/** A channel of a recording. */
export interface RecordedChannel {
  data(up: boolean, bytes: Buffer, at: number): void;
  close(at: number): void;
  /** Its worker could not tell more of it. */
  lost(at: number): void;
}

/** Records the sessions of this node. */
export class Recorder {
  private readonly going = new Map<string, Going>();
  /** Sessions of which the recording has failed, and their generation then. */
  private readonly failed = new Map<string, number>();
  private readonly ending = new Set<Promise<void>>();
  private readonly parts: RecordingParts | null;
  private cancelBounds: () => void = () => undefined;
  private cancelTouch: () => void = () => undefined;

  constructor(private readonly given: RecorderParts) {
    const { path, publicKey, maxBytes, maxAge } = given.settings;
    if (path === '' || publicKey === '') {
      this.parts = null;
      return;
    }
    const lane = new DiskLane();
    const folder = new RecordingFolder(path, { maxBytes, maxAge }, lane);
    const share = new CompressionShare();
    this.parts = { folder, lane, waiting: new WaitingBytes(), share, key: publicKeyOf(publicKey) };
    this.keepBounds(folder);
    this.touchSoon(folder);
  }

  /** Whether the channel is of a session that is recorded. */
  wants(channel: LiveChannel): boolean {
    return (
      isRecorded(channel.settings, channel.owner.projectId) &&
      (this.failed.get(channel.sessionId) ?? 0) < channel.generation
    );
  }

  /** Why a session must not begin because it cannot be recorded; null: it may. */
  async refusal(channel: LiveChannel): Promise<string | null> {
    if (this.given.settings.onFailure === 'continue' || !this.wants(channel)) return null;
    if (channel.recorded.protocol === 'vnc') return 'VNC consoles are not recorded';
    if (this.parts === null) return NOT_SET_UP;
    try {
      await this.parts.folder.check(CHECK_MS);
      return null;
    } catch (error) {
      return (error as Error).message;
    }
  }

  /** The channel has begun: takes what is told of it; null: it is not recorded. */
  begin(channel: LiveChannel, tapped: TappedChannel, at: number): RecordedChannel | null {
    if (!this.wants(channel)) return null;
    const going = this.goingFor(channel, at);
    if (going === null) return null;
    going.cancelEnd();
    going.channel = channel;
    const { sessionId } = channel;
    const { recording } = going;
    const number = recording.begin(
      {
        ...{ type: tapped.channelType, id: tapped.channelId, generation: channel.generation },
        ...{ clientCaps: tapped.clientCaps, backendCaps: tapped.backendCaps },
      },
      tapped.miniHeader,
      at,
    );
    const close = (when: number): void => {
      recording.close(number, when);
      if (recording.open === 0) this.endSoon(sessionId, going);
    };
    return {
      data: (up, bytes, when) => recording.push(number, up ? 'up' : 'down', bytes, when),
      close,
      lost: (when) => {
        close(when);
        this.fail(sessionId, 'the proxy could not take up what passed');
      },
    };
  }

  /** Ends all recordings, and waits until they are on the disk. */
  async close(): Promise<void> {
    this.cancelBounds();
    this.cancelTouch();
    for (const [sessionId, going] of [...this.going]) this.end(sessionId, going, 'the proxy shut down');
    await Promise.all(this.ending);
  }

  private goingFor(channel: LiveChannel, at: number): Going | null {
    const { sessionId } = channel;
    const before = this.going.get(sessionId);
    if (before !== undefined) return before;
    if (this.parts === null) {
      this.tellFailure(channel, NOT_SET_UP);
      return null;
    }
    const { settings, node, records, metrics } = this.given;
    const { source, uuid, owner, clientIp } = channel;
    const recording = new SessionRecording(
      {
        ...{ sessionId, source, uuid, name: channel.name, node, clientIp },
        ...{ projectId: owner.projectId, user: owner.issuedTo },
        ...{ begin: Math.round(at * 1000), recordInput: settings.recordInput },
      },
      this.parts,
      {
        wrote: (bytes) => metrics.recordingBytes.inc(bytes),
        gap: () => this.gap(sessionId),
        failed: (why) => this.fail(sessionId, why),
      },
    );
    const going: Going = { recording, channel, cancelEnd: () => undefined, gapTold: false };
    this.going.set(sessionId, going);
    records.audit(channel, RECORDING_AUDIT.begun);
    return going;
  }

  private endSoon(sessionId: string, going: Going): void {
    going.cancelEnd();
    going.cancelEnd = this.given.timers.after(LINGER_MS, () =>
      this.end(sessionId, going, 'the session has ended'),
    );
  }

  private end(sessionId: string, going: Going, reason: string): void {
    if (this.going.get(sessionId) !== going) return;
    going.cancelEnd();
    this.going.delete(sessionId);
    const done = going.recording.end(reason, Date.now()).then(() => {
      this.ending.delete(done);
      if (this.failed.has(sessionId)) return;
      this.given.records.audit(going.channel, RECORDING_AUDIT.ended(going.recording.bytes));
    });
    this.ending.add(done);
  }

  private gap(sessionId: string): void {
    const going = this.going.get(sessionId);
    if (going === undefined) return;
    this.given.metrics.recordingGaps.inc();
    if (this.given.settings.onFailure === 'refuse') {
      this.fail(sessionId, 'the disk is too slow');
      return;
    }
    if (going.gapTold) return;
    going.gapTold = true;
    this.given.records.audit(going.channel, RECORDING_AUDIT.gap);
    log.warning('the disk is too slow for a recording; it has gaps', { session: sessionId });
  }

  private fail(sessionId: string, why: string): void {
    const going = this.going.get(sessionId);
    if (going !== undefined) {
      going.cancelEnd();
      this.going.delete(sessionId);
      // What can be is still written: the recording ends here.
      const done = going.recording.end(`the recording failed: ${why}`, Date.now(), true);
      this.ending.add(done);
      void done.then(() => this.ending.delete(done));
      this.tellFailure(going.channel, why, going.recording.bytes);
    }
  }

  private tellFailure(channel: LiveChannel, why: string, bytes = 0): void {
    const { metrics, records, settings, watch } = this.given;
    const { sessionId, generation } = channel;
    if (this.failed.get(sessionId) === generation) return;
    this.failed.set(sessionId, generation);
    for (const [oldest] of this.failed) {
      if (this.failed.size <= MAX_FAILED) break;
      this.failed.delete(oldest);
    }
    metrics.recordingFailures.inc();
    log.error('a session is not recorded any more', { session: sessionId, why });
    records.audit(channel, RECORDING_AUDIT.failed(why, bytes));
    if (settings.onFailure === 'refuse') watch.end(sessionId, generation, 'recording failed');
  }

  private touchSoon(folder: RecordingFolder): void {
    this.cancelTouch = this.given.timers.after(TOUCH_MS, () => {
      // What is wrong with the disk, the recordings say.
      folder.touch().catch(() => undefined);
      this.touchSoon(folder);
    });
  }

  private keepBounds(folder: RecordingFolder): void {
    folder
      .keepBounds()
      .catch((error: unknown) => log.warning('old recordings cannot be removed', { error: error as Error }));
    this.cancelBounds = this.given.timers.after(BOUNDS_MS, () => this.keepBounds(folder));
  }
}

const NOT_SET_UP = '[recording] path and public_key are not set';
const MAX_FAILED = 10_000;
