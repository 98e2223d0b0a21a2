// SPDX-License-Identifier: Apache-2.0
// `bench --sources`: what it costs the conductor to look at many sources in which nothing changes. The built kerbside-conductor on
// SQLite; the platforms are in another process (cloud-farm.ts). The CPU time is that of the conductor's process alone, from /proc. A
// conductor takes a turn a minute at each source; here the turns come closer together, and the CPU time of one is what counts: ten turns of each
// source have in them the one in which all rows are compared with the database.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { runProgram, startProgram, waitFor, type Program } from '../fixtures/program.js';
import { repositoryRoot } from '../fixtures/repository.js';
import type { FarmEntry } from './cloud-farm.js';
import { cpuTime, memory } from './proc-usage.js';

/** How many sources there are, with how many guests each, and how they are looked at. */
export interface SourcesPlan {
  readonly sources: number;
  readonly guests: number;
  /** Seconds from one turn of a source to its next. */
  readonly interval: number;
  /** Platforms, with commas between them; all when absent. */
  readonly kinds?: string | undefined;
  /** Folder for a CPU profile of the conductor, for the inspector of Node; none when absent. */
  readonly profile?: string | undefined;
}

/** The measurement that the target is about. */
export const FULL_SOURCES = { sources: 20, guests: 5000, interval: 12 } as const;
/** Proves in a minute, on a busy machine, that all of it works. */
export const QUICK_SOURCES = { sources: 4, guests: 1000, interval: 3 } as const;

/** CPU-seconds in a minute, for the full measurement. */
const TARGET = 2;
/** Of each source. */
const TURNS = 10;
const BEGIN_MS = 15 * 60_000;

interface Reading {
  /** CPU-seconds until all guests were in the database. */
  readonly begin: number;
  /** CPU-seconds of one turn of each source. */
  readonly round: number;
}

/** Measures and prints. @returns whether the target is met, where there are as many guests as it is about */
export async function benchSources(plan: SourcesPlan, say: (text: string) => void): Promise<boolean> {
  const dir = mkdtempSync(join(tmpdir(), 'kerbside-bench-sources-'));
  const farm = fork(join(import.meta.dirname, 'cloud-farm.js'), [
    ...[String(plan.sources), String(plan.guests)],
    ...(plan.kinds === undefined ? [] : [plan.kinds]),
  ]);
  try {
    say(`making ${String(plan.sources)} platforms with ${String(plan.guests)} guests each`);
    const [entries] = (await once(farm, 'message')) as [FarmEntry[]];
    const { begin, round } = await measure(dir, entries, farm, plan, say);
    // Fewer sources cost more for each: what a conductor does beside them is in it.
    const isFull = plan.sources * plan.guests >= FULL_SOURCES.sources * FULL_SOURCES.guests;
    const met = !isFull || round < TARGET;
    const verdict = isFull
      ? `target: under ${String(TARGET)}; ${met ? 'met' : 'MISSED'}`
      : 'no verdict: fewer than the target is about';
    process.stdout.write(
      `\nreconciliation of ${String(plan.sources)} sources with ${String(plan.guests)} guests each, nothing changed:\n` +
        `${round.toFixed(2)} CPU-seconds a minute (${verdict})\n` +
        `their first listing, with all guests written down: ${begin.toFixed(1)} CPU-seconds\n`,
    );
    return met;
  } finally {
    farm.kill();
    rmSync(dir, { recursive: true, force: true });
  }
}

async function measure(
  dir: string,
  entries: readonly FarmEntry[],
  farm: ChildProcess,
  plan: SourcesPlan,
  say: (text: string) => void,
): Promise<Reading> {
  const conductor = await startConductor(dir, entries, plan);
  const used = (): number => cpuTime(conductor.pid).tree;
  const spent = (): number => cpuTime(farm.pid ?? 0).tree;
  try {
    const [before, farmBefore] = [used(), spent()];
    await waitFor('all guests in the database', () => allKnown(conductor.output(), plan), {
      giveUpMs: BEGIN_MS,
    });
    const begin = used() - before;
    say(
      `all guests are known: ${begin.toFixed(1)} CPU-seconds (the platforms: ${(spent() - farmBefore).toFixed(1)})`,
    );
    // Then each source has had a turn without a change.
    await sleep(2 * plan.interval * 1000);
    const told = conductor.output().length;
    const rounds = await measureTurns(farm, plan, used, say);
    say(`resident memory: ${String(Math.round(memory(conductor.pid, false).relay / 1024))} MiB`);
    // Before that a platform may answer late, on a busy machine: all of them are asked for all of their guests at once.
    const faults =
      conductor
        .output()
        .slice(told)
        .match(/ (ERROR|WARNING) .*/g) ?? [];
    if (faults.length > 0) throw new Error(`the conductor had faults, such as: ${faults[0] ?? ''}`);
    return { begin, round: rounds };
  } finally {
    await conductor.stop(30_000);
  }
}

/** CPU-seconds of one turn of each source, after ten of them. */
async function measureTurns(
  farm: ChildProcess,
  { sources, interval }: SourcesPlan,
  used: () => number,
  say: (text: string) => void,
): Promise<number> {
  say(`${String(TURNS)} turns of each source begin, one in ${String(interval)} s`);
  await listings(farm);
  const start = used();
  let turns = 0;
  while (turns < TURNS * sources) {
    await sleep(interval * 1000);
    turns += await listings(farm);
  }
  return ((used() - start) / turns) * sources;
}

/** Listings that have begun since the last call. */
async function listings(farm: ChildProcess): Promise<number> {
  farm.send('listings');
  const [count] = (await once(farm, 'message')) as [number];
  return count;
}

async function startConductor(
  dir: string,
  entries: readonly FarmEntry[],
  { interval, profile }: SourcesPlan,
): Promise<Program> {
  const sources = join(dir, 'sources.yaml');
  const conf = join(dir, 'kerbside.conf');
  writeFileSync(sources, stringify(entries), { mode: 0o600 });
  writeFileSync(
    conf,
    `[DEFAULT]\nstate_path = ${dir}\n[sources]\npath = ${sources}\ndiscovery_interval = ${String(interval)}\n` +
      '[metrics]\nconductor_port = 0\n',
  );
  const args = (name: string, ...rest: string[]): string[] => [
    ...[join(repositoryRoot(), `dist/cmd/${name}.js`), '--config-file', conf, ...rest],
  ];
  const synced = await runProgram(process.execPath, args('manage', 'db', 'sync'), { timeoutMs: BEGIN_MS });
  if (synced.status !== 0) throw new Error(`db sync failed: ${synced.stderr}`);
  const profiled = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
  return startProgram(process.execPath, [...profiled, ...args('conductor')], {
    logFile: join(dir, 'conductor.log'),
  });
}

/** Whether the log tells of as many guests as there are; a source may be written down in several turns. */
function allKnown(log: string, { sources, guests }: SourcesPlan): boolean {
  const added = [...log.matchAll(/consoles of source reconciled .*added=(\d+)/g)];
  return added.reduce((sum, [, count]) => sum + Number(count), 0) >= sources * guests;
}
