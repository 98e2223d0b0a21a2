// SPDX-License-Identifier: Apache-2.0
// What a push into the queue of draws and a send out of it cost, with a queue of up to 4 MiB, for what desktops draw and
// for what a server might draw that wants to keep the loop busy:
//   node --import ./test/fixtures/typescript.mjs test/bench/draw-queue.ts [messages]
// Times are of the wall clock, and those of a loaded machine say little; the CPU of a message is for both steps.
// One push is followed by one send once the queue is full, or has 4,000 messages.
import { performance } from 'node:perf_hooks';
import { DrawQueue } from '../../src/console/pacing/draw-queue.js';
import type { Message } from '../../src/console/relay/stage.js';
import { displayMessage, drawCopy, type Rect } from '../fixtures/display-bodies.js';
import { SeededRandom } from '../fixtures/random.js';

const MESSAGES = Number(process.argv[2] ?? 100_000);
const MAX_BYTES = 4 << 20;
const MAX_LENGTH = 4000;
/** Milliseconds between two pushes: 10,000 a second. */
const INTERVAL_MS = 0.1;
const SAMPLES = 1000;

const random = new SeededRandom(1);

function draw(box: Rect, bytes: number, clip?: readonly Rect[]): Message {
  const imageData = Buffer.alloc(4 + bytes);
  imageData.writeUInt32LE(bytes, 0);
  return drawCopy({ box, imageData, ...(clip === undefined ? {} : { clip }) });
}

function box(width: number, height: number, columns: number, rows: number): Rect {
  const [left, top] = [random.below(columns), random.below(rows)];
  return [left, top, left + width, top + height];
}

const ALL: readonly Rect[] = [[0, 0, 8192, 8192]];
const PROFILES: Record<string, () => Message> = {
  'columns of an animation, 32x480, 46 KB': () => {
    const left = 32 * random.below(20);
    return draw([left, 100, left + 32, 580], 46_000);
  },
  'text, 8x16, 200 bytes': () => {
    const [left, top] = [8 * random.below(240), 16 * random.below(67)];
    return draw([left, top, left + 8, top + 16], 200);
  },
  'text without a place twice, clipped, 200 bytes': () => {
    const [left, top] = [8 * random.below(240), 16 * random.below(67)];
    return draw([left, top, left + 8, top + 16], 200, ALL);
  },
  'clipped, all over each other, 20 bytes': () => draw(box(4000, 4000, 90, 90), 20, ALL),
  'clipped, 8x8 tiles, 20 bytes': () => draw(box(448, 448, 7000, 7000), 20, ALL),
  'opaque, any size, 20 bytes': () => draw(box(1 + random.below(3000), 1 + random.below(2000), 900, 900), 20),
  'barriers and draws in turn': () =>
    random.below(2) === 0 ? displayMessage(102, Buffer.alloc(0)) : draw(box(64, 64, 900, 900), 20),
  'barriers alone': () => displayMessage(102, Buffer.alloc(0)),
};

function measure(next: () => Message): string {
  const samples = Array.from({ length: SAMPLES }, next);
  const queue = new DrawQueue();
  const [pushes, sends] = [new Float64Array(MESSAGES), new Float64Array(MESSAGES)];
  let sent = 0;
  const cpu = process.cpuUsage();
  for (let index = 0; index < MESSAGES; index++) {
    const at = index * INTERVAL_MS;
    const begun = performance.now();
    queue.push(samples[index % SAMPLES]!, at);
    const pushed = performance.now();
    pushes[index] = pushed - begun;
    if (queue.bytes < MAX_BYTES && queue.length < MAX_LENGTH) continue;
    queue.next(at);
    sends[sent++] = performance.now() - pushed;
  }
  const { user, system } = process.cpuUsage(cpu);
  const times = `push ${figures(pushes)}, send ${figures(sends.subarray(0, sent))}`;
  return `${times}, CPU ${((user + system) / MESSAGES).toFixed(1)} us a message`;
}

function figures(times: Float64Array): string {
  if (times.length === 0) return '-';
  const micros = [...times].map((time) => time * 1000).sort((a, b) => a - b);
  const [p50, p99] = [0.5, 0.99].map((part) => micros[Math.floor(part * micros.length)]!.toFixed(1));
  return `p50 ${p50!} p99 ${p99!} us`;
}

for (const [name, next] of Object.entries(PROFILES))
  process.stdout.write(`${name.padEnd(48)} ${measure(next)}\n`);
