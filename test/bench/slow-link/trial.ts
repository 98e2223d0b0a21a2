// SPDX-License-Identifier: Apache-2.0
// One measurement: one client through one door to one guest over one link; what it saw, and what it cost the proxy.
import { existsSync, readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { differingPixels, readPpm } from '../../boot-target/image.js';
import { delay, type Program, startProgram, waitFor } from '../../fixtures/program.js';
import { cpuTime, forgetPeaks, peakMemory } from '../proc-usage.js';
import type { Door, GuestDoor, RunningConfiguration } from './configurations.js';
import type { Guest } from './guests.js';
import type { LinkProfile } from './link-profile.js';
import { type Network, SERVER_ADDRESS } from './network.js';

/** What the guest does while keys are pressed. */
export type Activity = 'idle' | 'text' | 'typing' | `${number}`;

/** What is measured, whoever is in between. */
export interface Case {
  readonly link: string;
  readonly activity: Activity;
  /** Name of the guest's kind. */
  readonly guest: string;
}

/** How long and how often. */
export interface Effort {
  readonly presses: number;
  readonly warmMs: number;
  /** Of all presses together; fewer are made then. */
  readonly limitMs: number;
  /** For one press. */
  readonly patienceMs: number;
}

/** What the client printed: see client.c. */
export interface Seen {
  readonly presses: number;
  readonly timeouts: number;
  readonly p50_ms: number;
  readonly p95_ms: number;
  readonly max_ms: number;
  readonly seconds: number;
  readonly display_bytes: number;
  readonly mbit: number;
  readonly frames: number;
  readonly fps: number;
  readonly gap_p50_ms: number;
  readonly gap_p95_ms: number;
  readonly gap_max_ms: number;
  readonly ready_ms: number;
  readonly settle_ms: number;
  readonly looks: number;
  readonly blocks: number;
  readonly wrong: number;
  readonly older: number;
  readonly torn: number;
  readonly mixed: number;
  readonly widest: number;
  readonly latencies_ms: readonly number[];
}

/** One line of the results. */
export interface Trial extends Case {
  readonly configuration: string;
  readonly repeat: number;
  /** ISO 8601. */
  readonly at: string;
  readonly load: number;
  /** Null: it failed. */
  readonly seen: Seen | null;
  readonly error: string | null;
  /** Pixels of all heads that differ from the server's in the end; null: not compared. */
  readonly different_pixels: number | null;
  /** CPU-seconds of the proxy's processes; null: there is none. */
  readonly cpu_seconds: number | null;
  readonly peak_rss_kib: number | null;
  /** Packets of the link that a queue dropped or that were lost. */
  readonly link_dropped: number;
  readonly link_lost: number;
  /** What the client said of blocks that are wrong or older, the first few. */
  readonly complaints: readonly string[];
  readonly metrics: Readonly<Record<string, number>>;
}

/** What a measurement needs. */
export interface Scene {
  /** Private folder. */
  readonly dir: string;
  readonly network: Network;
  /** Path of the compiled client. */
  readonly client: string;
  readonly guest: Guest;
  readonly guestDoor: GuestDoor;
  /** Of the losses, and of when keys are pressed; the same for all configurations. */
  readonly seed: number;
}

/** Milliseconds between two presses, on the average; a fast typist's where typing is what is measured. */
const GAP_MS: Readonly<Record<'typing' | 'other', number>> = { typing: 120, other: 400 };
/** Of connecting, and of coming to rest in the end: the client's own limits and some more. */
const BOUND_MS = 180_000;
/** A link that changes keeps each of its rates for that long. */
const PHASE_MS = 8000;
const CHANGING_LIMIT_MS = 40_000;
const MOST_PRESSES = 400;

/** Measures once. A client that fails is a result: it is told in `error`. @throws Error when the bench itself fails */
export async function measure(
  wanted: Case,
  profile: LinkProfile,
  through: RunningConfiguration,
  scene: Scene,
  effort: Effort,
  repeat: number,
): Promise<Trial> {
  const { network, guest, seed } = scene;
  await network.shape(profile, profile.mbit, seed);
  const door = await through.door(scene.guestDoor);
  const before = await network.counts();
  const cost = through.pid === null ? null : startCost(through.pid);
  const load = loadavg()[0] ?? 0;
  const pictures = Array.from({ length: guest.kind.heads }, (_, head) =>
    join(scene.dir, `client-${head}.ppm`),
  );
  const program = await startClient(wanted, door, pictures, scene, boundEffort(profile, effort));
  let outcome: { seen: Seen } | { error: string };
  try {
    outcome = await watch(program, profile, network, effort);
  } finally {
    await program.stop(1000);
  }
  const after = await network.counts();
  const seen = 'seen' in outcome ? outcome.seen : null;
  return {
    ...wanted,
    configuration: through.configuration.name,
    repeat,
    at: new Date().toISOString(),
    load,
    seen,
    error: 'error' in outcome ? outcome.error : null,
    different_pixels: seen === null ? null : await compare(guest, pictures, scene.dir),
    cpu_seconds: cost === null || through.pid === null ? null : cpuTime(through.pid).tree - cost,
    peak_rss_kib: through.pid === null ? null : peakMemory(through.pid),
    link_dropped: after.dropped - before.dropped,
    link_lost: after.lost - before.lost,
    complaints: program
      .output()
      .split('\n')
      .filter((line) => line.startsWith('check:')),
    metrics: await through.metrics(),
  };
}

function startCost(pid: number): number {
  forgetPeaks(pid);
  return cpuTime(pid).tree;
}

/** On a link that changes all are measured over the same time, not over the same number of presses. */
function boundEffort(profile: LinkProfile, effort: Effort): Effort {
  return profile.otherMbit === null
    ? effort
    : { ...effort, presses: MOST_PRESSES, limitMs: Math.min(effort.limitMs, CHANGING_LIMIT_MS) };
}

async function startClient(
  { activity }: Case,
  door: Door,
  pictures: readonly string[],
  scene: Scene,
  effort: Effort,
): Promise<Program> {
  const gap = activity === 'typing' ? GAP_MS.typing : GAP_MS.other;
  const args = [
    ...['--host', SERVER_ADDRESS, '--port', `${door.port}`, '--ca', door.caFile, '--subject', door.subject],
    ...[
      '--activity',
      activity,
      '--heads',
      `${pictures.length}`,
      '--gap',
      `${gap}`,
      '--seed',
      `${scene.seed}`,
    ],
    ...['--presses', `${effort.presses}`, '--warm', `${effort.warmMs}`, '--limit', `${effort.limitMs}`],
    ...['--patience', `${effort.patienceMs}`, ...pictures.flatMap((path) => ['--picture', path])],
  ];
  const [command, ...words] = [...scene.network.enterClient(), scene.client, ...args];
  const logFile = join(scene.dir, `client-${Date.now()}.log`);
  return startProgram(command, words, {
    logFile,
    env: { PATH: process.env['PATH'], HOME: scene.dir, SLOW_LINK_TICKET: door.ticket },
  });
}

/** Waits for the client's end, and changes the link meanwhile where it is one that changes. */
async function watch(
  program: Program,
  profile: LinkProfile,
  network: Network,
  effort: Effort,
): Promise<{ seen: Seen } | { error: string }> {
  const deadline = Date.now() + BOUND_MS + effort.warmMs + effort.limitMs + effort.patienceMs;
  const left = (): number => Math.max(1, deadline - Date.now());
  const ended = waitFor('end of the client', () => program.ended() !== null, {
    giveUpMs: left(),
    everyMs: 50,
  }).catch(() => false);
  if (profile.otherMbit !== null) await change(program, profile, profile.otherMbit, network);
  if (!(await ended)) return { error: `the client has not ended: ${program.output().trim().slice(-500)}` };
  const line = program
    .output()
    .trim()
    .split('\n')
    .findLast((text) => text.startsWith('{'));
  if (line === undefined) return { error: `the client has ended: ${program.output().trim().slice(-500)}` };
  const result = JSON.parse(line) as Seen | { error: string };
  return 'error' in result ? result : { seen: result };
}

async function change(
  program: Program,
  profile: LinkProfile,
  other: number,
  network: Network,
): Promise<void> {
  const measuring = (): boolean => program.output().includes('measuring');
  await waitFor('presses', () => program.ended() !== null || measuring(), { giveUpMs: BOUND_MS }).catch(
    () => null,
  );
  const from = Date.now();
  for (let phase = 1; program.ended() === null && Date.now() - from < CHANGING_LIMIT_MS; phase++) {
    const next = from + phase * PHASE_MS;
    while (Date.now() < next && program.ended() === null) await delay(20);
    await network.shape(profile, phase % 2 === 1 ? other : profile.mbit);
  }
  await network.shape(profile);
}

/** Pixels of all heads that the server and the client see differently. @throws Error when QEMU writes no picture */
async function compare(guest: Guest, pictures: readonly string[], dir: string): Promise<number> {
  let different = 0;
  for (const [head, picture] of pictures.entries()) {
    if (!existsSync(picture)) throw new Error(`the client has left no ${picture}`);
    const own = join(dir, `server-${head}.ppm`);
    await guest.screenshot(head, own);
    different += differingPixels(readPpm(readFileSync(picture)), readPpm(readFileSync(own)));
  }
  return different;
}
