// SPDX-License-Identifier: Apache-2.0
// Keeps a client's STREAM_REPORT true when frames were dropped on the way to it. A server takes a report for the fate of
// every frame that it has sent from the report's first frame to its last: spice-server's MJPEG encoder raises its rate
// only after a report without drops [mjpeg-encoder.c], the GStreamer one lowers it after one with drops
// [gstreamer-encoder.c]. A client counts what reached it (num_frames), and as a drop what came too late for its time
// (num_drops) [spice-gtk channel-display.c]. A frame dropped here reached nobody, so it belongs into both. It belongs to
// the first report that ends at or after the frame's time; the times and the delay of the last frame are the client's.
import type { Message } from '../relay/stage.js';
import { SERVER_MESSAGE } from '../spice/message-types.js';

/** Bytes of a STREAM_REPORT: eight u32. */
const REPORT_BYTES = 32;
const REPORT_UNIQUE_ID = 4;
const REPORT_END = 12;
const REPORT_FRAMES = 16;
const REPORT_DROPS = 20;
/** Bytes of a STREAM_ACTIVATE_REPORT: u32 stream_id, unique_id, max_window_size, timeout_ms. */
const ACTIVATE_BYTES = 16;
/** Frames whose times are remembered for one stream; of more, the oldest count for the next report whatever its end. */
const MAX_TIMES = 256;
/** Streams that are remembered; spice-server has 64 at most. */
const MAX_STREAMS = 256;
const MAX_U32 = 0xffffffff;

interface Dropped {
  /** Names the reporting; null until the server has asked for reports. */
  uniqueId: number | null;
  /** Frames that are older than those in `times`. */
  earlier: number;
  /** Times of dropped frames that no report has had yet, oldest first. */
  readonly times: number[];
}

/** The frames of each stream that were dropped here and not yet reported. */
export class StreamReports {
  private readonly streams = new Map<number, Dropped>();

  /** Takes a message of the server into account, in the server's order; of no effect unless it is about reports. */
  note(message: Message): void {
    const { type, body } = message;
    if (type === SERVER_MESSAGE.display.STREAM_DESTROY_ALL) this.streams.clear();
    if (body.length < 4) return;
    if (type === SERVER_MESSAGE.display.STREAM_DESTROY) this.streams.delete(body.readUInt32LE(0));
    if (type === SERVER_MESSAGE.display.STREAM_CREATE && body.length >= 8)
      this.streams.delete(body.readUInt32LE(4));
    if (type !== SERVER_MESSAGE.display.STREAM_ACTIVATE_REPORT || body.length < ACTIVATE_BYTES) return;
    // The client starts to count at zero.
    const stream = body.readUInt32LE(0);
    this.streams.delete(stream);
    const dropped = this.of(stream);
    if (dropped !== null) dropped.uniqueId = body.readUInt32LE(4);
  }

  /** A frame was dropped. @param mmTime its time, ms of the multimedia clock */
  dropped(stream: number, mmTime: number): void {
    const dropped = this.of(stream);
    if (dropped === null) return;
    dropped.times.push(mmTime);
    if (dropped.times.length <= MAX_TIMES) return;
    dropped.times.shift();
    dropped.earlier++;
  }

  /**
   * The report with the frames in it that were dropped here; these are forgotten then.
   * @param report body of a client's STREAM_REPORT
   * @returns the same buffer where there is nothing to add: no frames were dropped, the report says that the stream
   *   cannot be shown, is of another reporting than the server's last, or is no report at all
   */
  amend(report: Buffer): Buffer {
    if (report.length < REPORT_BYTES) return report;
    const dropped = this.streams.get(report.readUInt32LE(0));
    if (dropped === undefined || dropped.uniqueId !== report.readUInt32LE(REPORT_UNIQUE_ID)) return report;
    if (report.readUInt32LE(REPORT_FRAMES) === 0) return report;
    const count = takeUntil(dropped, report.readUInt32LE(REPORT_END));
    if (count === 0) return report;
    const amended = Buffer.from(report);
    for (const at of [REPORT_FRAMES, REPORT_DROPS]) {
      amended.writeUInt32LE(Math.min(report.readUInt32LE(at) + count, MAX_U32), at);
    }
    return amended;
  }

  private of(stream: number): Dropped | null {
    const known = this.streams.get(stream);
    if (known !== undefined) return known;
    if (this.streams.size >= MAX_STREAMS) return null;
    const fresh: Dropped = { uniqueId: null, earlier: 0, times: [] };
    this.streams.set(stream, fresh);
    return fresh;
  }
}

/** How many of the frames are not later than `end`, in the clock's modular order; forgets them. */
function takeUntil(dropped: Dropped, end: number): number {
  let index = 0;
  while (index < dropped.times.length && ((end - (dropped.times[index] ?? 0)) | 0) >= 0) index++;
  dropped.times.splice(0, index);
  const count = dropped.earlier + index;
  dropped.earlier = 0;
  return count;
}
