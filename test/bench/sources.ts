// SPDX-License-Identifier: Apache-2.0
// `bench --sources`: what it costs the conductor to look at many sources in which nothing changes. The built kerbside-conductor on
// SQLite, with its own interval of a minute between two looks; the platforms are in another process (cloud-farm.ts). The CPU time
// is that of the conductor's process alone, from /proc.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { runProgram, startProgram, waitFor } from '../fixtures/program.js';
import { repositoryRoot } from '../fixtures/repository.js';
import type { FarmEntry } from './cloud-farm.js';
import { cpuTime, memory } from './proc-usage.js';

/** How many sources there are, with how many guests each, and for how long it is looked at. */
export interface SourcesPlan {
  readonly sources: number;
  readonly guests: number;
  readonly minutes: number;
  /** Platforms, with commas between them; all when absent. */
  readonly kinds?: string | undefined;
}

/** The target: CPU-seconds in a minute. */
const TARGET = 2;
const BEGIN_MS = 15 * 60_000;
const SETTLE_MS = 30_000;
const MINUTE_MS = 60_000;

/** Measures and prints. @returns whether the target is met */
export async function benchSources(plan: SourcesPlan, say: (text: string) => void): Promise<boolean> {
  const dir = mkdtempSync(join(tmpdir(), 'kerbside-bench-sources-'));
  const farm = fork(join(import.meta.dirname, 'cloud-farm.js'), [
    ...[String(plan.sources), String(plan.guests)],
    ...(plan.kinds === undefined ? [] : [plan.kinds]),
  ]);
  try {
    say(`making ${String(plan.sources)} platforms with ${String(plan.guests)} guests each`);
    const [entries] = (await once(farm, 'message')) as [FarmEntry[]];
    const minutes = await measure(dir, entries, plan, say);
    const mean = minutes.reduce((sum, value) => sum + value, 0) / minutes.length;
    const met = mean < TARGET;
    process.stdout.write(
      `\nreconciliation of ${String(plan.sources)} sources with ${String(plan.guests)} guests each, nothing changed:\n` +
        `${mean.toFixed(2)} CPU-seconds a minute (target: under ${String(TARGET)}; ${met ? 'met' : 'MISSED'})\n` +
        `minute by minute: ${minutes.map((value) => value.toFixed(2)).join(' ')}\n`,
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
  plan: SourcesPlan,
  say: (text: string) => void,
): Promise<number[]> {
  const sources = join(dir, 'sources.yaml');
  const conf = join(dir, 'kerbside.conf');
  writeFileSync(sources, stringify(entries), { mode: 0o600 });
  writeFileSync(
    conf,
    `[DEFAULT]\nstate_path = ${dir}\n[sources]\npath = ${sources}\n[metrics]\nconductor_port = 0\n`,
  );
  const program = (name: string): string => join(repositoryRoot(), `dist/cmd/${name}.js`);
  const synced = await runProgram(
    process.execPath,
    [program('manage'), '--config-file', conf, 'db', 'sync'],
    {
      timeoutMs: MINUTE_MS,
    },
  );
  if (synced.status !== 0) throw new Error(`db sync failed: ${synced.stderr}`);
  const conductor = await startProgram(process.execPath, [program('conductor'), '--config-file', conf], {
    logFile: join(dir, 'conductor.log'),
  });
  try {
    const before = cpuTime(conductor.pid).tree;
    await waitFor('all guests in the database', () => allKnown(conductor.output(), plan), {
      giveUpMs: BEGIN_MS,
    });
    const first = cpuTime(conductor.pid).tree - before;
    say(`all guests are known, after ${first.toFixed(1)} CPU-seconds; ${String(plan.minutes)} minutes begin`);
    await sleep(SETTLE_MS);
    const told = conductor.output().length;
    const minutes: number[] = [];
    for (let minute = 0; minute < plan.minutes; minute += 1) {
      const start = cpuTime(conductor.pid).tree;
      await sleep(MINUTE_MS);
      minutes.push(cpuTime(conductor.pid).tree - start);
      say(`minute ${String(minute + 1)}: ${(minutes.at(-1) ?? 0).toFixed(2)} CPU-seconds`);
    }
    say(`resident memory: ${String(Math.round(memory(conductor.pid, false).relay / 1024))} MiB`);
    // Before that a platform may answer late, on a busy machine: all of them are asked for all of their guests at once.
    const faults =
      conductor
        .output()
        .slice(told)
        .match(/ (ERROR|WARNING) .*/g) ?? [];
    if (faults.length > 0) throw new Error(`the conductor had faults, such as: ${faults[0] ?? ''}`);
    return minutes;
  } finally {
    await conductor.stop(5000);
  }
}

/** Whether the log tells of as many guests as there are; a source may be written down in several turns. */
function allKnown(log: string, { sources, guests }: SourcesPlan): boolean {
  const added = [...log.matchAll(/consoles of source reconciled .*added=(\d+)/g)];
  return added.reduce((sum, [, count]) => sum + Number(count), 0) >= sources * guests;
}
