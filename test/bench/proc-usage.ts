// SPDX-License-Identifier: Apache-2.0
// CPU time and memory of a process and its descendants, from /proc (see proc(5)). CPU time includes children that
// have ended and were waited for, so a proxy that forks for each connection is charged for all of them.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

/** Linux gives /proc/PID/stat in hundredths of a second on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;

/** One process as /proc/PID/stat shows it; times in CPU-seconds. */
interface Entry {
  pid: number;
  parent: number;
  user: number;
  system: number;
  waitedFor: number;
}

/** CPU-seconds used so far. */
export interface CpuTime {
  /** User and system time of the whole tree. */
  tree: number;
  /** The user part of `tree` of processes that live. */
  user: number;
  /** The tree without its root: the relay workers, where the root is a supervisor. */
  workers: number;
}

/** Resident memory in KiB. */
export interface Memory {
  /** The process that relays: the largest of the root's descendants, or the root itself when it has none. */
  relay: number;
  /** All others of the tree. */
  rest: number;
}

/** CPU time of the tree under `root`. @throws Error when the root is gone. */
export function cpuTime(root: number): CpuTime {
  const sum: CpuTime = { tree: 0, user: 0, workers: 0 };
  for (const { pid, user, system, waitedFor } of tree(root)) {
    const total = user + system + waitedFor;
    sum.tree += total;
    sum.user += user;
    if (pid !== root) sum.workers += total;
  }
  return sum;
}

/**
 * Resident memory of the tree under `root`.
 *
 * @param shared true: count pages that several processes share once (PSS), for proxies that fork
 */
export function memory(root: number, shared: boolean): Memory {
  const processes = tree(root);
  const sizes = processes.map(({ pid }) => ({ pid, size: residentKib(pid, shared) }));
  const all = sizes.reduce((sum, { size }) => sum + size, 0);
  if (shared) return { relay: all, rest: 0 };
  const workers = sizes.filter(({ pid }) => processes.length === 1 || pid !== root);
  const relay = Math.max(...workers.map(({ size }) => size));
  return { relay, rest: all - relay };
}

/** Lets the kernel begin anew to remember the most memory that each process of the tree under `root` has had. */
export function forgetPeaks(root: number): void {
  for (const { pid } of tree(root)) {
    try {
      writeFileSync(`/proc/${pid}/clear_refs`, '5');
    } catch {
      // It has ended, or it is not ours to ask.
    }
  }
}

/** The most resident memory in KiB that the processes of the tree under `root` have had, each by itself. */
export function peakMemory(root: number): number {
  return tree(root).reduce((sum, { pid }) => sum + peakKib(pid), 0);
}

function peakKib(pid: number): number {
  try {
    return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

function residentKib(pid: number, shared: boolean): number {
  try {
    const text = readFileSync(`/proc/${pid}/${shared ? 'smaps_rollup' : 'status'}`, 'utf8');
    return Number((shared ? /^Pss:\s+(\d+)/m : /^VmRSS:\s+(\d+)/m).exec(text)?.[1] ?? 0);
  } catch {
    return 0;
  }
}

function tree(root: number): Entry[] {
  const entries = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => entry(Number(name)) ?? []);
  const found = entries.filter(({ pid }) => pid === root);
  if (found.length === 0) throw new Error(`process ${root} has ended`);
  for (let at = 0; at < found.length; at++) {
    found.push(...entries.filter(({ parent }) => parent === found[at]?.pid));
  }
  return found;
}

function entry(pid: number): Entry | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const seconds = (index: number): number => Number(fields[index]) / TICKS_PER_SECOND;
    return {
      pid,
      parent: Number(fields[1]),
      user: seconds(11),
      system: seconds(12),
      waitedFor: seconds(13) + seconds(14),
    };
  } catch {
    return null; // it ended meanwhile
  }
}
